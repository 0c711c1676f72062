import type { ConnectionState, Routed } from '../../types.js';
import { isRerouted, passHook, stateAfter } from '../hooks.js';
import { routeProvenance, type Trail } from '../trail.js';
import { owns, whyUnrouted } from '../world.js';
import { leave } from './pass-through.js';

/** What a packet's first steps are called. */
export interface DepartureWords {
  leaves(via: string | undefined, link: string): string;
  hasNoRoute: string;
  isOwn: string;
}

/**
 * A packet from a plain socket of this host, out by its link. The output hook already knows the link, since the packet is routed before it; a mark
 * given there may route it again. One without a route never gets that far.
 */
export function depart(trail: Trail, state: ConnectionState, words: DepartureWords): void {
  const before = trail.packet;
  const first = trail.route('output');
  if (!headOut(trail, first, words)) return;
  const output = passHook(trail, 'output', { state, socket: 'plain', firstOfConnection: state === 'new' });
  if (trail.broken) return;
  const routed = isRerouted(before, output) ? trail.route('output') : first;
  if (routed !== first && !headOut(trail, routed, words)) return;
  if (routed.answer?.type !== 'unicast') return;
  const { via, link } = routed.answer;
  trail.add({ place: 'route', code: 'routed', did: words.leaves(via, link), by: routeProvenance(routed), route: routed });
  leave(trail, stateAfter(state, output));
}

/** Sets the link where there is one; else tells why not. */
function headOut(trail: Trail, routed: Routed, words: DepartureWords): boolean {
  const { answer } = routed;
  const note = { place: 'route', by: routeProvenance(routed), route: routed };
  trail.out = answer?.type === 'unicast' ? answer.link : undefined;
  if (answer === undefined) {
    trail.add({ ...note, code: 'unknown', did: `its routing is not known: ${whyUnrouted(trail.snapshot, routed)}`, outcome: 'unknown' });
  } else if (answer.type === 'error') {
    trail.add({ ...note, code: 'no-route', did: `${words.hasNoRoute}: ${answer.text}`, outcome: 'broken' });
  } else if (answer.type !== 'unicast') {
    const own = owns(trail.snapshot, trail.packet.destination);
    trail.add({
      ...note,
      code: own ? 'bypassed' : 'no-route',
      did: own ? words.isOwn : `keeps it: ${words.hasNoRoute}`,
      outcome: 'broken',
    });
  }
  return trail.out !== undefined;
}
