import { familyOf } from '../net/address.js';
import type { RouteQuestion, Walk } from '../types.js';

/** The command that asks the kernel this question, as one would type it; also its identity. */
export function canonicalQuestion(question: RouteQuestion): string {
  return ['ip', ...questionArguments(question)].join(' ');
}

/** Arguments of `ip` for a question; each is an address, a link name or a number that was validated when it was read. */
export function questionArguments({ to, from, iif, mark, ipProtocol, sourcePort, destinationPort, tos }: RouteQuestion): string[] {
  const option = (name: string, value: string | number | undefined) => (value === undefined ? [] : [name, String(value)]);
  return [
    ...(familyOf(to) === 6 ? ['-6'] : []),
    'route',
    'get',
    to,
    ...option('from', from),
    ...option('iif', iif),
    ...(mark ? option('mark', `0x${mark.toString(16)}`) : []),
    ...(tos ? option('tos', `0x${tos.toString(16)}`) : []),
    ...option('ipproto', ipProtocol),
    ...option('sport', sourcePort),
    ...option('dport', destinationPort),
  ];
}

/** The questions that walks raised, for each host, without repetition. */
export function questionsOf(walks: readonly Walk[]): Map<string, RouteQuestion[]> {
  const perHost = new Map<string, Map<string, RouteQuestion>>();
  for (const step of walks.flatMap((walk) => walk.steps)) {
    if (!step.route || step.route.modelOnly) continue;
    const questions = perHost.get(step.host) ?? new Map<string, RouteQuestion>();
    perHost.set(step.host, questions.set(canonicalQuestion(step.route.question), step.route.question));
  }
  return new Map([...perHost].map(([host, questions]) => [host, [...questions.values()]]));
}
