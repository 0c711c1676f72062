import type { ConnectionState } from '../../types.js';
import { passArrival, passHook, stateAfter } from '../hooks.js';
import { routeProvenance, type Trail } from '../trail.js';
import { arrivalAt, describeAnswer, facingLink, owns, rivalsAt, whyUnrouted } from '../world.js';
import { depart } from './depart.js';
import { passThrough } from './pass-through.js';

/** Where a packet ended up: at the host that has its destination, with hosts that nobody named, or nowhere (its last step says why). */
export type Carried = 'there' | 'beyond' | 'nowhere';

const mostHops = 8;

/** From a socket of the host it is on to the host that has its destination, over named routers. */
export function carry(trail: Trail, state: ConnectionState): Carried {
  const { destination } = trail.packet;
  depart(trail, state, {
    leaves: (via, link) => `leaves on ${link}${via === undefined ? '' : ` via ${via}`}`,
    hasNoRoute: `${trail.host} has no route to ${destination}`,
    isOwn: `${destination} is its own`,
  });
  for (let hops = 0; hops < mostHops; hops++) {
    if (trail.broken || trail.out === undefined) return 'nowhere';
    const nextHop = lastGateway(trail) ?? trail.packet.destination;
    const arrival = arrivalAt(trail.snapshots, trail.host, trail.out, nextHop);
    const isNear = arrival && facingLink(trail.snapshots, trail.host, trail.out, arrival.host) !== undefined;
    if (!arrival || !isNear || rivalsAt(trail.snapshots, trail.host, trail.out, nextHop).length > 0) return 'beyond';
    trail.arrive(arrival.host, arrival.link);
    if (owns(trail.snapshot, trail.packet.destination)) return 'there';
    passThrough(trail, state);
  }
  trail.add({ place: 'route', code: 'not-forwarded', did: 'it goes round in circles', outcome: 'broken' });
  return 'nowhere';
}

function lastGateway(trail: Trail): string | undefined {
  const step = trail.steps.findLast(({ host, route }) => host === trail.host && route?.answer?.type === 'unicast');
  return step?.route?.answer?.type === 'unicast' ? step.route.answer.via : undefined;
}

/** The end of a way: the hooks and the routing decision of the host that has the destination, up to its socket. */
export function takeIn(trail: Trail, state: ConnectionState): void {
  const context = { state, socket: 'plain', firstOfConnection: state === 'new' } as const;
  const prerouting = passArrival(trail, context);
  if (trail.broken) return;
  const routed = trail.route('input');
  const { answer } = routed;
  const note = { place: 'route', by: routeProvenance(routed), route: routed };
  if (answer === undefined) {
    trail.add({ ...note, code: 'unknown', did: `its routing is not known: ${whyUnrouted(trail.snapshot, routed)}`, outcome: 'unknown' });
  } else if (answer.type === 'error' && answer.error === 'invalid-source') {
    const did = `source validation drops it: ${answer.text}`;
    trail.add({ ...note, place: 'source-validation', code: 'source-invalid', did, outcome: 'broken' });
  } else if (answer.type !== 'local') {
    const did = `does not take in what is for its own ${trail.packet.destination}: ${describeAnswer(answer)}`;
    trail.add({ ...note, code: 'not-taken-in', did, outcome: 'broken' });
  } else passHook(trail, 'input', { ...context, state: stateAfter(state, prerouting) });
}
