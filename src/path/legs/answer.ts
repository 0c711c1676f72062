import type { Packet, Routed } from '../../types.js';
import { isRerouted, passHook } from '../hooks.js';
import { routeProvenance, Trail } from '../trail.js';
import { owns } from '../world.js';

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
  const output = passHook(leaving, 'output', { state: 'established', socket: 'plain', firstOfConnection: false });
  if (leaving.steps.some(({ outcome }) => outcome !== 'ok')) return;
  const routed = leaving.route('output', isRerouted(answer, output) ? leaving.packet.mark : answer.mark);
  const missing = whyNoWay(leaving, routed);
  if (missing === undefined) return;
  trail.packet = leaving.packet;
  trail.in = undefined;
  trail.add({
    place: 'route',
    code: 'no-way-to-client',
    did: missing,
    by: routeProvenance(routed),
    outcome: 'broken',
    route: routed,
  });
}

function whyNoWay({ snapshot, packet: { destination } }: Trail, { answer }: Routed): string | undefined {
  if (answer?.type === 'error') return `nginx's host has no route to the client ${destination}: ${answer.text}`;
  const isKept = answer?.type === 'local' && !owns(snapshot, destination);
  return isKept ? `the answer to the client ${destination} does not leave nginx's host: its mark leads to the local table` : undefined;
}
