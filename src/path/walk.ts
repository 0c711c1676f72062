import { familyOf, sameAddress } from '../net/address.js';
import { contains } from '../net/prefix.js';
import type { Family, Listener, Packet, Service, Step, StepCode, Upstream, Walk } from '../types.js';
import { answerClient } from './legs/answer.js';
import { forwardToUpstream } from './legs/forward.js';
import { bindUpstreamSocket } from './legs/nginx.js';
import { assumeReply, followReply } from './legs/reply.js';
import { takeRequest } from './legs/request.js';
import { isOwnClient } from './own-client.js';
import { Trail } from './trail.js';
import { connectedPrefixes, factOf, owns, route, type Snapshots } from './world.js';

/** Any ephemeral port: Linux's default range starts at 32768. */
const clientPort = 40_000;
const anotherPort = 40_001;

export interface WalkedClient {
  address: string;
  /** A documentation address, because nobody named or saw a client. */
  assumed: boolean;
}

/**
 * Predicts the way of every service's packets for every client and upstream. An upstream that was seen to ask one service of nginx's host is
 * no client of its own Direct Server Return: there is no way back for it, and nobody would expect one.
 */
export function predictWalks(snapshots: Snapshots, services: readonly Service[], clients: readonly WalkedClient[]): Walk[] {
  return services
    .filter((service) => service.mode !== 'plain')
    .flatMap((service) =>
      clients.flatMap((client) => service.upstreams.filter(isWalkable).map((upstream) => ({ service, client, upstream }))),
    )
    .filter(({ service, client }) => listenerFor(service, client.address) !== undefined)
    .filter(({ service, client }) => !service.bind?.notFor?.some((address) => sameAddress(address, client.address)))
    .filter(({ service, client }) => !(service.mode.startsWith('dsr') && isOwnClient(snapshots, service, client.address)))
    .filter(({ service, client }) => !client.assumed || mayBeAsked(snapshots, service, client.address))
    .map(({ service, client, upstream }) => walk(snapshots, service, client, upstream));
}

function isWalkable(upstream: Upstream): upstream is Upstream & { address: string } {
  return upstream.address !== undefined && !upstream.down;
}

function listenerFor(service: Service, client: string): Listener | undefined {
  return service.listeners.find((listener) => listener.family === familyOf(client) && !isLoopback(listener.address));
}

/** A host without any address of a family that others can reach has no clients of it, whatever it listens on. */
function mayBeAsked(snapshots: Snapshots, service: Service, client: string): boolean {
  const addresses = factOf(snapshots.get(service.host), 'addresses');
  const reachable = addresses?.some(({ family, scope }) => family === familyOf(client) && scope !== 'host' && scope !== 'link');
  return reachable !== false || listenerFor(service, client)?.address !== undefined;
}

/** Only this host itself can ask there. */
function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (contains('127.0.0.0/8', address) || sameAddress(address, '::1'));
}

/** One prediction: request, nginx, forward, reply. */
export function walk(snapshots: Snapshots, service: Service, client: WalkedClient, upstream: Upstream & { address: string }): Walk {
  const found = predict(snapshots, service, client, upstream);
  if (!mayPassBy(service, found)) return found;
  const past = predict(snapshots, { ...service, mode: 'dsr' }, client, upstream);
  const isDirect = past.end === 'whole' && past.steps.some((step) => step.leg === 'reply' && step.code === 'rewritten');
  const last = past.steps.at(-1);
  return isDirect && last ? awaitedInVain(past, service, last) : found;
}

/** nginx waits for a UDP reply that does not come to it. With the client's own port it may reach the client all the same. */
function mayPassBy({ protocol, mode, bind }: Service, { end, steps }: Walk): boolean {
  return protocol === 'udp' && mode === 'transparent' && bind?.port === 'client' && end === 'broken' && steps.at(-1)?.leg === 'reply';
}

function awaitedInVain(past: Walk, service: Service, last: Step): Walk {
  const { proxyResponses, host, at } = service;
  const what = proxyResponses ? `proxy_responses ${proxyResponses.value}` : 'proxy_responses is not set';
  const { file, line } = proxyResponses?.at ?? at;
  const step: Step = {
    host,
    leg: 'reply',
    place: 'nginx',
    code: 'awaited-in-vain',
    did: 'nginx waits for the reply, which went to the client past it',
    by: [{ what, source: `${file}:${line}` }],
    outcome: 'broken',
    packet: last.packet,
  };
  return { ...past, service, steps: [...past.steps, step], end: 'broken' };
}

function predict(snapshots: Snapshots, service: Service, client: WalkedClient, upstream: Upstream & { address: string }): Walk {
  const family: Family = familyOf(client.address) ?? 4;
  const listener = listenerFor(service, client.address);
  const vips = vipsOf(snapshots, service, listener, client.address);
  const protocol = service.protocol === 'udp' ? 17 : 6;
  const base = { protocol, mark: 0, ...(protocol === 6 ? { tcpFlags: 2 } : {}) };
  const listenPort = listener?.port ?? 0;
  const request: Packet = {
    ...base,
    family,
    source: client.address,
    destination: vips[0] ?? client.address,
    sourcePort: clientPort,
    destinationPort: listenPort,
  };
  const trail = new Trail(snapshots, service.host, request);
  const finish = (): Walk => ({
    service,
    client: client.address,
    clientAssumed: client.assumed,
    upstream,
    ...(vips[0] === undefined ? {} : { vip: vips[0] }),
    steps: trail.steps,
    end: endOf(trail),
  });

  if (vips[0] !== undefined) takeRequest(trail, service.host, listener);
  if (trail.broken) return finish();
  const sourcePort = service.bind?.port === 'client' ? clientPort : (service.bind?.fixedPort ?? anotherPort);
  trail.packet = {
    ...base,
    family: familyOf(upstream.address) ?? family,
    source: client.address,
    destination: upstream.address,
    sourcePort,
    destinationPort: upstream.port,
  };
  bindUpstreamSocket(trail, service);
  if (trail.broken) return finish();
  const reached = forwardToUpstream(trail, service, upstream);
  if (trail.broken || service.mode === 'one-way') return finish();
  const upstreamLink = trail.steps.find((step) => step.leg === 'forward' && step.code === 'routed')?.out;
  const context = { service, vips, clientPort, listenPort, upstreamLink };
  if (reached) followReply(trail, context);
  else if (upstreamLink !== undefined && trail.steps.at(-1)?.outcome === 'unseen') assumeReply(trail, context);
  // Where an assumed client would be is a guess, and with DSR nginx answers nobody.
  if (service.mode === 'transparent' && !client.assumed && vips[0] !== undefined && isDelivered(trail)) answerClient(trail, request);
  if (protocol === 6 && vips[0] !== undefined && !trail.broken) followUp(trail, service, request, upstream);
  return finish();
}

/**
 * The packets behind the first of each TCP connection: an ACK and what is asked. Nobody routes or translates them otherwise, but connection tracking
 * knows them, and a firewall may let in what is new and nothing else.
 */
function followUp(trail: Trail, service: Service, request: Packet, upstream: Upstream): void {
  const asked = trail.later(service.host, { ...request, tcpFlags: 16 }, 'request');
  takeRequest(asked, service.host, undefined);
  trail.adopt(asked);
  const first = trail.steps.find(({ leg, place }) => leg === 'forward' && place === 'route')?.packet;
  if (trail.broken || !first) return;
  const forwarded = trail.later(service.host, { ...first, mark: 0, tcpFlags: 16 }, 'forward');
  forwardToUpstream(forwarded, service, upstream);
  trail.adopt(forwarded);
}

/** nginx got the upstream's reply. */
function isDelivered({ steps, host }: Trail): boolean {
  const last = steps.at(-1);
  return last?.code === 'delivered' && last.host === host;
}

function endOf({ steps, broken }: Trail): Walk['end'] {
  const open = steps.filter((step) => step.outcome === 'unknown');
  const last = steps.at(-1);
  if (broken && last && !open.some((step) => mayExplain(step, last))) return 'broken';
  return open.length > 0 ? 'unknown' : 'whole';
}

/** What the client sees can have been made anywhere on the reply's way. */
const seenByClient = new Set<StepCode>(['not-rewritten', 'wrongly-rewritten', 'wrong-client-port']);

/** A rule that could not be read or evaluated may have set the mark, the source or the port whose lack breaks the path later on. */
function mayExplain(open: Step, end: Step): boolean {
  return open.leg === end.leg && (open.host === end.host || seenByClient.has(end.code));
}

/**
 * Addresses under which a client may have asked: the listener's own, or for a wildcard those on the link of the client's subnet (without one,
 * on the link that leads to the client), and on loopback and dummy links.
 */
function vipsOf(snapshots: Snapshots, service: Service, listener: Listener | undefined, client: string): string[] {
  if (listener?.address !== undefined) return [listener.address];
  const snapshot = snapshots.get(service.host);
  const back = route(snapshot, { to: client }).answer;
  const family = familyOf(client);
  const near = connectedPrefixes(snapshot, family ?? 4).find(({ prefix }) => contains(prefix, client));
  const facing = near?.link ?? (back?.type === 'unicast' ? back.link : undefined);
  const candidates = (factOf(snapshot, 'addresses') ?? []).filter(
    (entry) => entry.family === family && entry.scope !== 'host' && entry.scope !== 'link',
  );
  const ordered = [
    ...candidates.filter((entry) => entry.link === facing),
    ...candidates.filter((entry) => entry.link === 'lo' || entry.link.startsWith('dummy')),
  ];
  return ordered.map((entry) => entry.address).filter((address) => !sameAddress(address, client) && owns(snapshot, address));
}
