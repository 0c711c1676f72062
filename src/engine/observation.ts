import { tellPattern } from '../journeys/tell.js';
import type { Finished, Tracer } from '../journeys/tracer.js';
import type { CounterDelta, Observation, PatternEnd, PointCount, TracePattern } from '../types.js';

/** What was captured, as rules and reports take it. `window` is when they ran, in microseconds since the epoch; else from the first packet to the last. */
export function observationOf(
  tracer: Tracer,
  { patterns, clocks }: Finished,
  points: readonly PointCount[],
  counters: readonly CounterDelta[],
  window?: { from: number; to: number },
): Observation {
  const offsetAt = clocks.offsetAt();
  const offsetOf = (host: string, at: number): number => {
    const offset = offsetAt(host, at);
    return offset === undefined ? 0 : offset - tracer.offsetOfHost(host);
  };
  const told = withoutGuesses(merge(patterns.map((pattern) => tellPattern(pattern, tracer.joiner, offsetOf))), points);
  const count = (...ends: PatternEnd[]) => told.filter(({ end }) => ends.includes(end)).reduce((sum, pattern) => sum + pattern.count, 0);
  const iso = (time: number) => new Date(Number.isFinite(time) ? time / 1000 : 0).toISOString();
  return {
    window: { from: iso(window?.from ?? tracer.from), to: iso(window?.to ?? tracer.to) },
    points: [...points],
    transactions: {
      total: told.reduce((sum, pattern) => sum + pattern.count, 0),
      complete: count('delivered'),
      failed: count('vanished', 'refused', 'misdelivered'),
      ambiguous: count('ambiguous'),
    },
    patterns: told,
    clocks: clocks.offsets(),
    counters: [...counters],
  };
}

/** What vanished no more often than captures missed packets, where it would have been seen next, may have gone on unseen. */
function withoutGuesses(patterns: readonly TracePattern[], points: readonly PointCount[]): TracePattern[] {
  return patterns.map((pattern) => {
    const { vanishedAfter, ...rest } = pattern;
    const isLost = pattern.end !== 'vanished' || pattern.count > missedAfter(pattern, points);
    return isLost ? pattern : { ...rest, end: 'ambiguous' };
  });
}

/** What came in on a host would have been seen to leave it, what left one to come in on another. Packets, infinite where nobody counted them. */
function missedAfter({ path, vanishedAfter }: TracePattern, points: readonly PointCount[]): number {
  const last = path.findLast(({ host, iface }) => host === vanishedAfter?.host && iface === vanishedAfter.iface);
  const next = points.filter(({ host }) => last === undefined || (host === last.host) === (last.dir === 'in'));
  return next.reduce((sum, { dropped, partial }) => sum + (partial === undefined ? dropped : Number.POSITIVE_INFINITY), 0);
}

/** Ways that read alike are one pattern: their differences are in what a report does not tell. */
function merge(patterns: readonly TracePattern[]): TracePattern[] {
  const byStory = new Map<string, TracePattern>();
  for (const pattern of patterns) {
    const key = storyOf(pattern);
    const known = byStory.get(key);
    if (known) known.count += pattern.count;
    else byStory.set(key, pattern);
  }
  return [...byStory.values()].sort((a, b) => Number(a.end === 'delivered') - Number(b.end === 'delivered') || b.count - a.count);
}

const storyOf = ({ end, service, upstream, path }: TracePattern): string =>
  JSON.stringify([end, service, upstream, path.map(({ host, iface, dir, leg, note }) => [host, iface, dir, leg, note])]);
