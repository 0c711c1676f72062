import { lookup } from '../path/fib.js';
import { routingState } from '../path/world.js';
import type { Packet, Route, Snapshot } from '../types.js';

/** The blackhole, unreachable or prohibit route that a packet made on a host meets, by its tables. */
export function refusingRoute(
  snapshot: Snapshot,
  { family, source, destination, mark }: Pick<Packet, 'family' | 'source' | 'destination' | 'mark'>,
): Route | undefined {
  const state = routingState(snapshot);
  if (!state) return undefined;
  const result = lookup(state, { family, to: destination, from: source, iif: 'lo', mark });
  return result.found === 'refusal' ? result.route : undefined;
}
