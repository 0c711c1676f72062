import { z } from 'zod';
import { questionArguments } from '../path/questions.js';
import type { Fact, Host, RecordedRoute, Reply, RouteAnswer, RouteQuestion } from '../types.js';
import { known } from './fact.js';
import { parseList } from './iproute.js';

/** Asks the kernel itself, by `ip route get`: it decides, but nothing is sent. */
export async function ask(host: Host, questions: readonly RouteQuestion[]): Promise<Fact<readonly RecordedRoute[]>> {
  const answers = await Promise.all(
    questions.map(async (question) => ({
      question,
      answer: parseAnswer(await host({ run: ['ip', '-j', ...questionArguments(question)] })),
    })),
  );
  return known(answers.flatMap(({ question, answer }) => (answer ? [{ question, answer }] : [])));
}

const entry = z.object({
  type: z.string().optional(),
  dev: z.string().optional(),
  gateway: z.string().optional(),
  via: z.object({ host: z.string() }).optional(),
  prefsrc: z.string().optional(),
  table: z.union([z.string(), z.number()]).optional(),
});

/** The answer, or undefined when `ip` failed for a reason that says nothing about the route (it is missing, it was too slow). */
export function parseAnswer(reply: Reply): RouteAnswer | undefined {
  if (!reply.ok) return errorAnswer(reply.why);
  try {
    const [found] = parseList(reply.text, entry);
    return found && positiveAnswer(found);
  } catch {
    return undefined;
  }
}

function positiveAnswer({ type = 'unicast', dev, gateway, via, prefsrc, table }: z.infer<typeof entry>): RouteAnswer | undefined {
  const next = gateway ?? via?.host;
  const from = table === undefined ? {} : { table: String(table) };
  if (type === 'local' || type === 'anycast') return { type: 'local', ...from };
  if (type === 'broadcast' || type === 'multicast') return { type };
  if (type === 'blackhole' || type === 'unreachable' || type === 'prohibit') return { type: 'error', error: 'refused', text: type };
  if (dev === undefined) return undefined;
  return {
    type: 'unicast',
    link: dev,
    ...(next === undefined ? {} : { via: next }),
    ...(prefsrc === undefined ? {} : { source: prefsrc }),
    ...from,
  };
}

/** What rtnetlink answers: fib_validate_source() yields EINVAL or EXDEV, a missing route ENETUNREACH or EHOSTUNREACH, prohibit EACCES. */
function errorAnswer(why: string): RouteAnswer | undefined {
  const text = why.replace(/^RTNETLINK answers: /, '');
  if (/No route to host|Network is unreachable/i.test(text)) return { type: 'error', error: 'no-route', text };
  if (/Invalid argument|Invalid cross-device link/i.test(text)) return { type: 'error', error: 'invalid-source', text };
  return /Permission denied/i.test(text) ? { type: 'error', error: 'refused', text } : undefined;
}
