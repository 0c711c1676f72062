import type { Case, Conclusion, Evidence, Step, StepCode, Walk } from '../types.js';

/** A walk that ends badly, with the step at which it does. */
export interface Broken {
  walk: Walk;
  step: Step;
}

/** The walks that end at a step with one of these codes. */
export function brokenBy(c: Case, ...codes: StepCode[]): Broken[] {
  return c.walks.flatMap((walk) => {
    const step = walk.steps.at(-1);
    return walk.end === 'broken' && step && codes.includes(step.code) ? [{ walk, step }] : [];
  });
}

/** Groups things by a key, in order of first appearance. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** What a rule adds to the common parts of a conclusion. */
export interface Reason extends Pick<Conclusion, 'summary' | 'cures' | 'verify'> {
  host: string;
  certainty?: Conclusion['certainty'];
  severity?: Conclusion['severity'];
  /** Reasoning that follows the story of the packet. */
  because?: readonly string[];
  evidence?: readonly Evidence[];
  settle?: string;
}

/** A few commands that show the cure's effect; the others would say the same of more addresses. */
const mostVerify = 3;

/** A conclusion about broken walks: the story of one of them, then the reasons. */
export function concludeFrom(broken: readonly Broken[], reason: Reason): Conclusion {
  const { because = [], evidence = [], severity = 'fault', certainty, verify, ...rest } = reason;
  const first = broken[0];
  const seen = broken.flatMap(({ step }) => step.by.map((by) => ({ host: step.host, ...by })));
  return {
    ...rest,
    verify: verify.slice(0, mostVerify),
    severity,
    certainty: certainty ?? (broken.every(isSettled) ? 'proven' : 'consistent'),
    steps: [...(first ? narrate(first.walk) : []), ...because],
    evidence: alike([...evidence, ...seen]).slice(0, 8),
    explains: symptomsOf(broken),
    walks: broken.map(({ walk }) => walk),
  };
}

/** The same answer to several questions is told once. */
function alike(evidence: readonly Evidence[]): Evidence[] {
  return [...groupBy(evidence, ({ host, what }) => `${host}\0${what}`).values()].flatMap(([first, ...rest]) => {
    if (!first) return [];
    const sources = distinct(rest.map(({ source }) => source)).filter((source) => source !== first.source);
    return sources.length === 0 ? first : { ...first, source: `${first.source} (and ${sources.length} more like it)` };
  });
}

/** The kernel itself decided the step: it answered this very question, or /proc says so. */
function isSettled({ step }: Broken): boolean {
  return step.route ? step.route.from === 'kernel' : step.by.some((by) => by.source.startsWith('/proc/'));
}

/** The way of a packet in sentences, one for each host and leg. */
export function narrate(walk: Walk): string[] {
  const told: { host: string; leg: string; did: string[] }[] = [];
  for (const step of walk.steps) {
    if (step.did === 'passes') continue;
    const last = told.at(-1);
    if (last?.host === step.host && last.leg === step.leg) last.did.push(step.did);
    else told.push({ host: step.host, leg: step.leg, did: [step.did] });
  }
  return told.map(({ host, did }) => `${host}: ${did.join('; ')}`);
}

/** What a person sees elsewhere because of this cause. */
function symptomsOf(broken: readonly Broken[]): string[] {
  return [...groupBy(broken, ({ walk }) => walk.service.id)].map(([service, group]) => {
    const upstreams = [...new Set(group.map(({ walk }) => walk.upstream.name))];
    const clients = [...new Set(group.map(({ walk }) => walk.client))];
    return `${service}: requests of ${list(clients)} to ${list(upstreams)} fail`;
  });
}

/** `a, b and 3 more`. */
export function list(items: readonly string[], most = 4): string {
  const shown = items.slice(0, most);
  const rest = items.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}` : (shown[0] ?? '');
}

/** The services of some walks, for a sentence. */
export function serviceList(broken: readonly Broken[]): string {
  return list([...new Set(broken.map(({ walk }) => walk.service.id))]);
}

/** Distinct values in order of first appearance. */
export function distinct<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
