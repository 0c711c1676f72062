import type { CapturePoint, PatternEnd } from '../types.js';
import { isError, isFrom, isReset, Kind } from './marks.js';
import { isBehind, type Sighting } from './sighting.js';

/** How a transaction ended, as its sightings tell. */
export interface Judgement {
  end: PatternEnd;
  /** The last sighting, where nothing came after it though something should have. */
  vanishedAfter?: CapturePoint;
  /** The sighting that ended it. */
  last?: Sighting;
}

export interface Expectation {
  /** To whom the upstream's reply goes. */
  answersTo: 'nginx' | 'client' | 'nobody' | 'unknown';
  /** nginx's host, where it is known. */
  proxy?: string;
}

const carriesData = ({ kind }: Sighting): boolean => kind === Kind.datagramFrom || kind === Kind.dataFrom;

/** @param sightings of one transaction, in the order in which the packets went */
export function judge(sightings: readonly Sighting[], expects: Expectation): Judgement {
  const first = sightings.find(({ kind }) => !isFrom(kind) && !isError(kind) && !isReset(kind));
  if (!first) return { end: 'ambiguous' };
  const client = first.dir === 'out' ? first.host : undefined;
  if (isAnswered(sightings, first, expects) && !isTorn(sightings, first)) return { end: 'delivered' };
  // Where nginx came as far as asking an upstream, that is what failed: what the client got follows from it.
  const behind = sightings.filter(isBehind);
  // With Direct Server Return both sides are one way.
  const failing = behind.length > 0 && !isBehind(first) && first.kind !== Kind.datagramTo ? behind : sightings;
  const lost = sightings.find((s) => isMisdelivered(s, first, client, expects));
  if (lost) return { end: 'misdelivered', last: lost };
  const refused = failing.findLast(
    (s) => s.kind === Kind.resetFrom || s.kind === Kind.finFrom || s.kind === Kind.failureFrom || isError(s.kind),
  );
  if (refused) return { end: 'refused', last: refused };
  // The reply that nginx got is the end of that side: what is missing then is the client's.
  const last = (isRepliedTo(behind, expects) ? sightings : failing).findLast(({ kind }) => !isReset(kind));
  // An upstream that has accepted the connection and the request may be slow.
  if (!last || (last.kind === Kind.dataTo && last.leg === 'forward' && last.dir === 'in')) return { end: 'ambiguous' };
  return { end: 'vanished', vanishedAfter: { host: last.host, iface: last.iface }, last };
}

/** The answer came back to where the first sighting was, from the address that was asked, to the port that asked. */
function isAnswered(sightings: readonly Sighting[], first: Sighting, { answersTo }: Expectation): boolean {
  if (answersTo === 'nobody') return isTaken(sightings);
  const isBack = (s: Sighting) => s.host === first.host && (s.dir !== first.dir || s.dir === 'unknown');
  const answer = (s: Sighting) => isBack(s) && s.endpoint === first.endpoint && s.other === first.other;
  const port = (s: Sighting) => s.port === first.port;
  if (sightings.some((s) => carriesData(s) && answer(s) && port(s))) return true;
  const asked = sightings.some(({ kind, leg }) => kind === Kind.dataTo && leg === first.leg);
  return first.kind === Kind.syn && !asked && sightings.some((s) => s.kind === Kind.synAck && answer(s)) && !sightings.some(isBehind);
}

/** Later fragments of the answer came back under the upstream's own address: whoever asked cannot put them together with the first. */
function isTorn(sightings: readonly Sighting[], { leg, host, iface, dir }: Sighting): boolean {
  if (leg !== 'request' || dir === 'unknown') return false;
  const isBack = (s: Sighting) => s.host === host && s.iface === iface && s.dir !== dir && s.dir !== 'unknown';
  return sightings.some((s) => s.kind === Kind.fragmentFrom && s.leg === 'reply' && isBack(s));
}

/** One-way traffic has arrived when an upstream's host has it. */
function isTaken(sightings: readonly Sighting[]): boolean {
  return sightings.some((s, n) => s.leg === 'forward' && s.dir === 'in' && n > 0 && sightings[n - 1]?.host !== s.host);
}

function isRepliedTo(behind: readonly Sighting[], { answersTo, proxy }: Expectation): boolean {
  const nginx = proxy ?? behind[0]?.host;
  return answersTo !== 'client' && behind.some((s) => carriesData(s) && s.host === nginx && s.dir === 'in');
}

/** A reply that reached the client past nginx, unwritten, or at a port that never asked; or that nginx's host passes on instead of taking it. */
function isMisdelivered(s: Sighting, first: Sighting, client: string | undefined, { answersTo, proxy }: Expectation): boolean {
  if (!isFrom(s.kind) || isReset(s.kind) || isError(s.kind) || first.leg !== 'request') return false;
  const wrong = s.endpoint !== first.endpoint || s.port !== first.port;
  if (client !== undefined && s.host === client && s.dir === 'in') return wrong;
  if (s.leg !== 'reply' || s.dir !== 'out') return false;
  if (s.host === first.host && s.iface === first.iface && first.dir === 'in') return true;
  return answersTo === 'nginx' && s.host === proxy;
}
