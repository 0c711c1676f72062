import type { CapturePoint, PatternStep, TracePattern } from '../../types.js';
import { split } from './endpoint.js';

/** A packet between two captured hosts, or as much of its way as was seen. */
export interface Hop {
  /** Where it left a host. */
  sent?: PatternStep;
  /** Where it came in. */
  seen?: PatternStep;
  /** Away from the client or back to it, as far as can be told. */
  way: 'there' | 'back';
  /** The transaction ended with this packet. */
  ends: boolean;
}

/** Sightings in pairs: what leaves one host and comes in at the next is one arrow. */
export function hopsOf(pattern: TracePattern): Hop[] {
  const { path } = pattern;
  const end = endOf(pattern);
  const hops: Hop[] = [];
  for (let at = 0; at < path.length; at++) {
    const step = path[at];
    const next = path[at + 1];
    if (!step) break;
    const way = wayOf(step, path[0]);
    if (next && isOneWire(step, next)) {
      hops.push({ sent: step, seen: next, way, ends: end === at || end === at + 1 });
      at++;
    } else hops.push({ ...(step.dir === 'out' ? { sent: step } : { seen: step }), way, ends: end === at });
  }
  return hops;
}

export function stepOf({ sent, seen }: Hop): PatternStep | undefined {
  return sent ?? seen;
}

/** Position of the sighting that ended the transaction. */
export function endOf({ path, vanishedAfter, endsAt }: TracePattern): number {
  if (endsAt !== undefined) return endsAt;
  const last = vanishedAfter === undefined ? -1 : path.findLastIndex((step) => isAt(step, vanishedAfter));
  return last >= 0 ? last : path.length - 1;
}

export function isAt(a: CapturePoint, b: CapturePoint): boolean {
  return a.host === b.host && a.iface === b.iface;
}

function isOneWire(step: PatternStep, next: PatternStep): boolean {
  if (step.dir !== 'out' || next.dir !== 'in' || step.host === next.host) return false;
  // A router that was not captured may have rewritten a reply's source between the two.
  return step.leg === next.leg || (step.leg === 'reply' && next.leg === 'answer' && step.dst === next.dst);
}

function wayOf({ leg, dst }: PatternStep, first: PatternStep | undefined): Hop['way'] {
  if (leg !== undefined) return leg === 'request' || leg === 'forward' ? 'there' : 'back';
  return first !== undefined && split(dst)[0] === split(first.src)[0] ? 'back' : 'there';
}
