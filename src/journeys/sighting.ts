import type { PacketLeg } from '../types.js';
import { isError, isFrom, isReset, Kind, type Marks } from './marks.js';
import { type Endpoints, Part } from './services.js';

/** A mark of a transaction, spelled out. */
export interface Sighting {
  mark: number;
  point: number;
  host: string;
  iface: string;
  dir: 'in' | 'out' | 'unknown';
  kind: Kind;
  leg: PacketLeg;
  /** Number of the server's address and port. */
  endpoint: number;
  /** 0: under the client's own address. */
  other: number;
  hops: number;
  detail: number;
  /** The client's port here. */
  port: number;
  times: number;
  /** Microseconds after the transaction's first sighting. */
  after: number;
}

export function legOf(kind: number, part: Part): PacketLeg {
  if (isFrom(kind)) return part === Part.upstream ? 'reply' : 'answer';
  return part === Part.upstream ? 'forward' : 'request';
}

export interface Place {
  host: string;
  iface: string;
}

export function spell(
  marks: Marks,
  endpoints: Endpoints,
  points: readonly Place[],
  mark: number,
  at: Pick<Sighting, 'port' | 'times' | 'after'>,
): Sighting {
  const kind = marks.kind[mark] as Kind;
  const endpoint = marks.endpoint[mark] as number;
  const point = marks.point[mark] as number;
  const { host, iface } = points[point] ?? { host: 'unknown', iface: 'unknown' };
  return {
    mark,
    point,
    host,
    iface,
    dir: (['unknown', 'in', 'out'] as const)[marks.direction[mark] as number] ?? 'unknown',
    kind,
    leg: legOf(kind, endpoints.parts[endpoint] as Part),
    endpoint,
    other: marks.other[mark] as number,
    hops: marks.hops[mark] as number,
    detail: marks.detail[mark] as number,
    ...at,
  };
}

/** What happens in a transaction one after the other. Both ends of nginx are told by this, not by time, as clocks of hosts are apart. */
function stageOf({ kind, leg }: Sighting): number {
  const behind = leg === 'forward' || leg === 'reply';
  switch (kind) {
    case Kind.datagramTo:
    case Kind.fragmentTo:
    case Kind.dataTo:
      return behind ? 50 : 20;
    case Kind.syn:
      return behind ? 30 : 0;
    case Kind.synAck:
      return behind ? 40 : 10;
    case Kind.datagramFrom:
    case Kind.fragmentFrom:
    case Kind.dataFrom:
    case Kind.failureFrom:
      return behind ? 60 : 70;
    default:
      return behind ? 65 : 75;
  }
}

/** Resets and errors end what was there before, and have no stage of their own. */
const ends = ({ kind }: Sighting): boolean => isReset(kind) || isError(kind) || kind === Kind.finFrom;

/**
 * In the order in which the packets went: by stage, then by routers passed; of two sightings with as many the one that leaves comes first, as a wire does
 * not change the TTL. Times decide what is left.
 */
export function inOrder(sightings: readonly Sighting[]): Sighting[] {
  const out = (s: Sighting) => (s.dir === 'out' ? 0 : 1);
  const steady = sightings
    .filter((s) => !ends(s))
    .sort((a, b) => stageOf(a) - stageOf(b) || a.hops - b.hops || out(a) - out(b) || a.after - b.after);
  for (const end of sightings.filter(ends).sort((a, b) => a.hops - b.hops || out(a) - out(b) || a.after - b.after)) {
    const after = steady.findLastIndex((s) => isSameSide(s, end) && (s.after <= end.after || ends(s)));
    steady.splice(after < 0 ? steady.length : after + 1, 0, end);
  }
  return steady;
}

const isSameSide = (a: Sighting, b: Sighting): boolean => isBehind(a) === isBehind(b);

export const isBehind = ({ leg }: Sighting): boolean => leg === 'forward' || leg === 'reply';
