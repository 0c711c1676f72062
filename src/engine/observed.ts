import type { Case, Diagnosis, Evidence, PatternStep, Step, TracePattern, Walk } from '../types.js';

/** Counters that are evidence for a diagnosis on their host: rules and filters are told where they moved. */
const mostCounters = 4;

/**
 * Lays what packets did over what was concluded from facts. Where transactions end just where the prediction says, the cause is proven. Where they
 * come through although the prediction says they cannot, it is no more than possible, and says so.
 */
export function withObserved(c: Case, diagnosis: Diagnosis, walks: readonly Walk[]): Diagnosis {
  const { observed } = c;
  if (observed === undefined || diagnosis.severity !== 'fault') return diagnosis;
  const broken = walks.filter(({ end }) => end === 'broken');
  const seen = broken.flatMap((walk) => observed.patterns.filter((pattern) => isOf(walk, pattern)).map((pattern) => ({ walk, pattern })));
  const confirming = seen.filter(({ walk, pattern }) => confirms(pattern, walk));
  const passing = seen.filter(({ pattern }) => pattern.end === 'delivered');
  if (confirming.length > 0) {
    const patterns = [...new Set(confirming.map(({ pattern }) => pattern))];
    return {
      ...diagnosis,
      certainty: 'proven',
      evidence: [...diagnosis.evidence, ...patterns.map(evidenceOf), ...movedCounters(c, diagnosis.host)],
    };
  }
  if (broken.length === 0 || passing.length < broken.length || passing.length === 0) return diagnosis;
  const came = [...new Set(passing.map(({ pattern }) => pattern))].reduce((sum, { count }) => sum + count, 0);
  return {
    ...diagnosis,
    certainty: 'possible',
    steps: [
      ...diagnosis.steps,
      `but ${came} such transaction${came === 1 ? ' was' : 's were'} seen to come through while packets were captured`,
    ],
  };
}

function isOf({ service, upstream }: Walk, pattern: TracePattern): boolean {
  return service.id === pattern.service && (pattern.upstream === undefined || pattern.upstream === upstream.address);
}

/** The transaction failed, and at the host of the predicted break or after it at the latest. */
function confirms(pattern: TracePattern, walk: Walk): boolean {
  const step = walk.steps.at(-1);
  if (!step || pattern.end === 'delivered' || pattern.end === 'ambiguous') return false;
  if (pattern.end !== 'vanished') return true;
  const last = pattern.path.findLast(({ host, iface }) => host === pattern.vanishedAfter?.host && iface === pattern.vanishedAfter.iface);
  return last !== undefined && isAt(last, step, walk);
}

/** Seen last coming into the host that drops it, or leaving the host before where the break is on the wire or unseen. */
function isAt(last: PatternStep, step: Step, walk: Walk): boolean {
  if (last.host === step.host) return true;
  const hosts = [...new Set(walk.steps.map(({ host }) => host))];
  return last.dir === 'out' && hosts.indexOf(last.host) <= hosts.indexOf(step.host) && step.place === 'wire';
}

function evidenceOf({ count, end, path, vanishedAfter, endsAt }: TracePattern): Evidence {
  const at =
    endsAt === undefined ? path.findLast(({ host, iface }) => host === vanishedAfter?.host && iface === vanishedAfter.iface) : path[endsAt];
  const last = at ?? path.at(-1);
  const what = { vanished: 'seen last', refused: 'refused', misdelivered: 'went astray', delivered: 'delivered', ambiguous: 'unclear' }[
    end
  ];
  const note = last?.note === undefined ? '' : ` (${last.note})`;
  return {
    host: last?.host ?? '',
    what: `${count} transaction${count === 1 ? '' : 's'} ${what}: ${last?.src ?? '?'} → ${last?.dst ?? '?'}${note}`,
    source: `capture on ${last?.iface ?? '?'}, ${last?.dir === 'out' ? 'going out' : 'coming in'}`,
  };
}

function movedCounters(c: Case, host: string): Evidence[] {
  const telling = (c.observed?.counters ?? []).filter((counter) => counter.host === host && counter.delta > 0 && losses.test(counter.name));
  return telling.slice(0, mostCounters).map(({ name, delta, source }) => ({ host, what: `${name} grew by ${delta}`, source }));
}

/** Counters that say that packets were lost or refused, and why. */
const losses = /ReversePathFilter|InAddrErrors|OutNoRoutes|NoPorts|InNoRoutes|AttemptFails|OutDestUnreachs|martian|InvalidPackets|drop/i;
