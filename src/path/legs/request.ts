import { withPort } from '../../net/address.js';
import type { Listener, Provenance } from '../../types.js';
import { passArrival, passHook } from '../hooks.js';
import { routeProvenance, type Trail } from '../trail.js';
import { facingLink, factOf, ownersOf, route } from '../world.js';
import { carry } from './carry.js';

/** The client's request up to nginx's listening socket. The packet's destination is the address the client asked. */
export function takeRequest(trail: Trail, proxy: string, listener: Listener | undefined): void {
  trail.leg = 'request';
  const clientHost = ownersOf(trail.snapshots, trail.packet.source).find((name) => name !== proxy);
  if (clientHost !== undefined) {
    trail.host = clientHost;
    trail.add({
      place: 'socket',
      code: 'sent',
      did: `${trail.packet.source} asks ${withPort(trail.packet.destination, trail.packet.destinationPort ?? 0)}`,
    });
  }
  const way = clientHost === undefined ? undefined : wayToNginx(trail, clientHost);
  if (way?.broken) {
    trail.adopt(way);
    return;
  }
  if (way) trail.request = { packet: trail.packet, seenBy: new Set(way.steps.map(({ host }) => host)) };
  trail.arrive(proxy, way?.host === proxy ? way.in : clientLink(trail, proxy, clientHost));
  const context = { state: trail.asking, socket: 'plain', firstOfConnection: trail.asking === 'new' } as const;
  passArrival(trail, context);
  if (trail.broken) return;
  const routed = trail.route('input');
  if (routed.answer?.type === 'error' && routed.answer.error === 'invalid-source') {
    const did = `source validation drops the client's request: ${routed.answer.text}`;
    trail.add({ place: 'source-validation', code: 'source-invalid', did, by: routeProvenance(routed), outcome: 'broken', route: routed });
    return;
  }
  passHook(trail, 'input', context);
  if (!trail.broken) trail.add({ place: 'socket', code: 'listening', did: 'nginx takes the request', by: listenProvenance(listener) });
}

/** From the client's own host over named routers. Whoever translates on the way, the walk is about the client as nginx sees it. */
function wayToNginx(trail: Trail, clientHost: string): Trail {
  const way = trail.aside(clientHost, trail.packet, 'request');
  carry(way, trail.asking);
  return way;
}

function listenProvenance(listener: Listener | undefined): Provenance[] {
  if (!listener) return [];
  const { port, protocol, at } = listener;
  return [{ what: `listen, ${protocol.toUpperCase()} port ${port}`, source: `${at.file}:${at.line}` }];
}

/** The link on which the client's packets come in: the one facing the client, else the one that leads back to it. */
function clientLink(trail: Trail, proxy: string, clientHost: string | undefined): string | undefined {
  const back = route(trail.snapshots.get(proxy), { to: trail.packet.source }).answer;
  const expected = back?.type === 'unicast' ? back.link : undefined;
  if (clientHost === undefined) return expected;
  const links = (factOf(trail.snapshots.get(clientHost), 'links') ?? []).map((link) =>
    facingLink(trail.snapshots, clientHost, link.name, proxy),
  );
  return links.includes(expected) ? expected : (links.find((link) => link !== undefined) ?? expected);
}
