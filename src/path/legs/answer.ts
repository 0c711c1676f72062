import type { Packet } from '../../types.js';
import { passHook } from '../hooks.js';
import { routeProvenance, Trail } from '../trail.js';

/**
 * nginx's own answer to its client, at the end of a path that brought the upstream's reply to it. `request` is the client's packet. Only a
 * missing way is told: what the client's network does with the answer is not for nginx's host to know.
 */
export function answerClient(trail: Trail, request: Packet): void {
  const { family, protocol, source, destination, sourcePort, destinationPort } = request;
  const answer: Packet = {
    family,
    protocol,
    source: destination,
    destination: source,
    ...(destinationPort === undefined ? {} : { sourcePort: destinationPort }),
    ...(sourcePort === undefined ? {} : { destinationPort: sourcePort }),
    mark: 0,
  };
  const leaving = new Trail(trail.snapshots, trail.host, answer);
  passHook(leaving, 'output', { state: 'established', socket: 'plain', firstOfConnection: false });
  if (leaving.steps.some(({ outcome }) => outcome !== 'ok')) return;
  const routed = leaving.route('output');
  if (routed.answer?.type !== 'error') return;
  trail.packet = leaving.packet;
  trail.in = undefined;
  trail.add({
    place: 'route',
    code: 'no-way-to-client',
    did: `nginx's host has no route to the client ${source}: ${routed.answer.text}`,
    by: routeProvenance(routed),
    outcome: 'broken',
    route: routed,
  });
}
