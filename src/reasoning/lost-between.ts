import { familyOf, sameAddress } from '../net/address.js';
import { factOf, owns } from '../path/world.js';
import type { Case, Conclusion, Evidence, PatternStep, PointCount, Step, TracePattern, Walk } from '../types.js';
import { concludeFrom, distinct, groupBy, list } from './broken.js';
import { addressIn, captureAt, describePacket, lastOf, legOf, walksOf } from './packets.js';

/** Transactions whose packet left one host and never came in at the next, by captures that missed nothing. */
export interface Lost {
  pattern: TracePattern;
  /** As it left. */
  last: PatternStep;
  /** Where it should have come in: what the next host's captures show. */
  next: PointCount;
  /** The step of the prediction on the host that it left. */
  step: Step;
  walks: readonly Walk[];
  /** Transactions of the same pair of hosts and address family whose packet of this leg did come in. */
  arrived: number;
}

/**
 * Only what the first case shows: packets say nothing about a mended copy. Where the predicted path breaks before the next host, or is unknown there,
 * nothing is concluded, for that explains the loss better.
 */
export function lostBetweenHosts(c: Case): Lost[] {
  if (c.observed === undefined || c.read !== undefined) return [];
  return c.observed.patterns.filter(({ end }) => end === 'vanished').flatMap((pattern) => lostIn(c, pattern) ?? []);
}

function lostIn(c: Case, pattern: TracePattern): Lost | undefined {
  const last = lastOf(pattern);
  const walks = walksOf(c, pattern);
  if (last?.dir !== 'out' || walks.length === 0) return undefined;
  const crossings = walks.map((walk) => crossing(walk, last));
  const [first] = crossings;
  if (!first || crossings.some((each) => each?.to.host !== first.to.host || each.to.in !== first.to.in)) return undefined;
  const next = healthyPoint(c, first.to);
  const isSeenThere = pattern.path.some(({ host, leg }) => host === first.to.host && leg === last.leg);
  if (!next || isSeenThere) return undefined;
  return { pattern, last, next, step: first.from, walks, arrived: arrivals(c, last, next.host) };
}

/** Where a predicted walk goes from the host that the packet was last seen to leave. */
function crossing({ steps, end }: Walk, last: PatternStep): { from: Step; to: Step } | undefined {
  const leg = legOf(last);
  const at = steps.findLastIndex((step) => step.host === last.host && step.leg === leg);
  const [from, to] = [steps[at], steps[at + 1]];
  const isSure = steps.slice(0, at + 2).every(({ outcome }) => outcome === 'ok');
  if (end === 'broken' || !from || !to || to.host === from.host || !isSure) return undefined;
  return from.out === undefined || from.out === last.iface ? { from, to } : undefined;
}

/** The capture that should have seen it; none where any capture of that host missed packets. */
function healthyPoint(c: Case, to: Step): PointCount | undefined {
  const here = c.observed?.points.filter(({ host }) => host === to.host) ?? [];
  return here.every(({ dropped, partial }) => dropped === 0 && partial === undefined)
    ? here.find(({ iface }) => to.in === undefined || iface === to.in)
    : undefined;
}

/** Of the same family: what filters sources lists those of each by themselves. */
function arrivals(c: Case, last: PatternStep, next: string): number {
  const isLike = (step: PatternStep) =>
    step.host === last.host &&
    step.iface === last.iface &&
    step.leg === last.leg &&
    step.dir === 'out' &&
    familyOf(addressIn(step.src)) === familyOf(addressIn(last.src));
  const crossed = c.observed?.patterns.filter(({ path }) => {
    const left = path.findIndex(isLike);
    return left >= 0 && path.slice(left + 1).some((step) => step.host === next && step.leg === last.leg);
  });
  return crossed?.reduce((sum, { count }) => sum + count, 0) ?? 0;
}

/** A source that the host which sends the packet does not have: the client's or the service's, taken on there or merely passed on. */
export function isSpoofed(c: Case, { last, walks }: Lost): boolean {
  if (owns(c.snapshots.get(last.host), addressIn(last.src))) return false;
  if (legOf(last) === 'forward') return true;
  return walks.some(({ steps }) => steps.find(({ leg }) => leg === 'reply')?.host === last.host);
}

/** What a rule says of losses between one pair of hosts. */
export interface Loss {
  cause(host: string, next: string, lost: readonly Lost[]): string;
  because: readonly string[];
  settle: string;
}

/** One conclusion for each host that packets left, with the counts of both captures. */
export function concludeLoss(c: Case, lost: readonly Lost[], { cause, because, settle }: Loss): Conclusion[] {
  return [...groupBy(lost, ({ last }) => last.host)].map(([host, all]) => {
    const nexts = distinct(all.map(({ next }) => next.host));
    const isProven = all.every(({ next }) => next.packets > 0);
    const broken = all.flatMap(({ walks, step }) => walks.map((walk) => ({ walk: upTo(walk, step), step })));
    const conclusion = concludeFrom(broken, {
      host,
      summary: cause(host, list(nexts), all),
      certainty: isProven ? 'proven' : 'consistent',
      because: [...story(all), ...because],
      evidence: [...[...groupBy(all, ({ next }) => next.host).values()].slice(0, 3).flatMap(evidence), ...pings(c, host, all)],
      cures: [],
      verify: [],
      ...(isProven ? {} : { settle }),
    });
    return { ...conclusion, walks: distinct(all.flatMap(({ walks }) => walks)) };
  });
}

/** The prediction beyond that place did not come true. */
function upTo(walk: Walk, step: Step): Walk {
  const at = walk.steps.findLastIndex(({ host, leg }) => host === step.host && leg === step.leg);
  return { ...walk, steps: walk.steps.slice(0, at + 1) };
}

function story(all: readonly Lost[]): string[] {
  return [...groupBy(all, ({ last }) => last.iface)].map(([iface, group]) => {
    const pairs = [...groupBy(group, ({ next }) => next.host).values()];
    const total = pairs.reduce((so, pair) => so + sum(pair) + arrivedOf(pair), 0);
    const nexts = distinct(group.map(({ next }) => `${next.host} ${next.iface}`));
    return `${sum(group)} of ${total} left ${group[0]?.last.host} on ${iface} and were never seen by ${list(nexts)}`;
  });
}

const sum = (group: readonly Lost[]): number => group.reduce((total, { pattern }) => total + pattern.count, 0);
const arrivedOf = (group: readonly Lost[]): number => Math.max(...group.map(({ arrived }) => arrived));

/** What both captures show of one pair of hosts. */
function evidence(group: readonly Lost[]): Evidence[] {
  const [first] = group;
  if (!first) return [];
  const { last, next } = first;
  const total = sum(group);
  const lost = `${total} of ${total + arrivedOf(group)} seen last as they left: ${describePacket(last)}`;
  const never = `none of the ${total} came in; ${next.packets} other packets did, and the capture missed none`;
  return [
    { host: last.host, what: lost, source: captureAt(last) },
    { host: next.host, what: never, source: captureAt(next) },
  ];
}

/** Under its own address the host gets through. */
function pings(c: Case, host: string, all: readonly Lost[]): Evidence[] {
  const answered = (factOf(c.snapshots.get(host), 'pings') ?? []).filter(
    ({ ok, to }) => ok && all.some(({ last }) => sameAddress(addressIn(last.dst), to)),
  );
  return answered.slice(0, 2).map(({ to, text }) => ({ host, what: text, source: `ping ${to}` }));
}
