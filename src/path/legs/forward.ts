import type { Service, Upstream } from '../../types.js';
import { passControl } from '../control.js';
import { isRerouted, passArrival, passHook, stateAfter } from '../hooks.js';
import { findListener } from '../listening.js';
import { failedPings, isMisleading, neighbourAt } from '../neighbours.js';
import { routeProvenance, type Trail } from '../trail.js';
import { arrivalAt, factOf, ownersOf, owns, route, whyMissing, whyUnrouted } from '../world.js';
import { isAstray } from './astray.js';
import { hidesSource, passThrough } from './pass-through.js';

/** nginx's packet under the client's address, from its socket to the upstream's. Returns false when nothing more can be followed. */
export function forwardToUpstream(trail: Trail, service: Service, upstream: Upstream): boolean {
  leaveProxy(trail);
  if (trail.broken || trail.out === undefined) return false;
  if (trail.out === 'lo') {
    arriveAtSelf(trail, service, upstream);
    return !trail.broken;
  }
  if (!travel(trail)) return false;
  enterUpstream(trail, service, upstream);
  return !trail.broken;
}

function leaveProxy(trail: Trail): void {
  const { source, destination } = trail.packet;
  // `ip route get` refuses a foreign source without an in-interface; nginx's socket has IP_TRANSPARENT and may use one.
  const routed = { ...route(trail.snapshot, { to: destination, from: source }), modelOnly: true as const };
  const by = routeProvenance(routed);
  if (routed.answer === undefined) {
    trail.add({
      place: 'route',
      code: 'unknown',
      did: `the route to ${destination} is not known: ${whyUnrouted(trail.snapshot, routed)}`,
      by,
      outcome: 'unknown',
    });
    return;
  }
  if (routed.answer.type === 'local') {
    trail.out = 'lo';
    trail.add({ place: 'route', code: 'routed', did: `${destination} is on nginx's own host`, by, route: routed });
    return;
  }
  if (routed.answer.type !== 'unicast') {
    trail.add({
      place: 'route',
      code: 'no-route',
      did: `nginx's host has no route to ${destination}`,
      by,
      outcome: 'broken',
      route: routed,
    });
    return;
  }
  trail.out = routed.answer.link;
  trail.add({ place: 'route', code: 'routed', did: `leaves on ${routed.answer.link}`, by, route: routed });
  const before = trail.packet;
  for (const hook of ['output', 'postrouting', 'egress'] as const) {
    const outcome = passHook(trail, hook, { state: trail.asking, socket: 'transparent', firstOfConnection: trail.asking === 'new' });
    if (trail.broken) return;
    if (hook === 'output' && isRerouted(before, outcome) && !leavesAgain(trail)) return;
    if (outcome?.tracked !== false) trail.trackedBy.add(trail.host);
    if (hidesSource(trail, before, outcome)) return;
  }
  const filtered = passControl(trail, 'egress');
  if (trail.broken) return;
  trail.packet = filtered.packet;
  if (filtered.by !== undefined) hidesSource(trail, before, undefined, [{ what: filtered.by, source: `tc filter show dev ${trail.out}` }]);
}

/** The second routing decision, with the mark that the first one did not know. */
function leavesAgain(trail: Trail): boolean {
  const { source, destination, mark } = trail.packet;
  const routed = { ...route(trail.snapshot, { to: destination, from: source, mark }), modelOnly: true as const };
  const note = { place: 'route', by: routeProvenance(routed), route: routed };
  const marked = `with its new mark 0x${mark.toString(16)}`;
  if (routed.answer?.type === 'unicast') {
    trail.out = routed.answer.link;
    trail.add({ ...note, code: 'routed', did: `${marked} leaves on ${routed.answer.link}` });
    return true;
  }
  const isUnknown = routed.answer === undefined;
  const did = isUnknown
    ? `${marked} its route is not known: ${whyUnrouted(trail.snapshot, routed)}`
    : `${marked} it does not leave nginx's host`;
  trail.add({ ...note, code: isUnknown ? 'unknown' : 'no-route', did, outcome: isUnknown ? 'unknown' : 'broken' });
  return false;
}

/** What loops back keeps the route that it left with, so its source is not validated (skb_valid_dst() in ip_rcv_finish_core()). */
function arriveAtSelf(trail: Trail, service: Service, upstream: Upstream): void {
  passHook(trail, 'output', { state: 'new', socket: 'transparent', firstOfConnection: true });
  if (trail.broken) return;
  trail.arrive(trail.host, 'lo');
  trail.trackedBy.add(trail.host);
  passHook(trail, 'input', { state: 'new', socket: 'plain', firstOfConnection: false });
  const protocol = service.protocol === 'udp' ? 'udp' : 'tcp';
  if (!trail.broken) meetSocket(trail, service, upstream, findListener(factOf(trail.snapshot, 'sockets'), protocol, trail.packet));
}

/** From nginx's host to the upstream, through named routers if there are any. */
function travel(trail: Trail): boolean {
  const owner = () => owns(trail.snapshot, trail.packet.destination);
  for (let hops = 0; hops < 8; hops++) {
    const last = trail.steps.findLast((step) => step.route?.answer?.type === 'unicast')?.route?.answer;
    const nextHop = last?.type === 'unicast' ? (last.via ?? trail.packet.destination) : trail.packet.destination;
    if (hops === 0 && isAstray(trail, nextHop)) return false;
    const arrival = trail.out === undefined ? undefined : arrivalAt(trail.snapshots, trail.host, trail.out, nextHop);
    if (isUnanswered(trail, nextHop, arrival !== undefined)) return false;
    if (trail.isContested(nextHop)) return false;
    if (!arrival) return jumpToOwner(trail);
    trail.arrive(arrival.host, arrival.link);
    if (owner()) return true;
    passThrough(trail, trail.asking);
    if (trail.broken) return false;
  }
  trail.add({ place: 'route', code: 'unknown', did: 'goes round in circles', outcome: 'unknown' });
  return false;
}

/** The kernel knows no link address of the next hop, or somebody has set one that is nobody's. A host that is named tells more than the silence. */
function isUnanswered(trail: Trail, nextHop: string, isNamed: boolean): boolean {
  const neighbour = trail.out === undefined ? undefined : neighbourAt(trail.snapshot, trail.out, nextHop);
  if (!neighbour) return false;
  const evidence = isMisleading(trail.snapshots, trail.host, neighbour) ? [] : failedPings(trail.snapshot, trail.packet.destination);
  const isFailed =
    !isNamed && neighbour.mac === undefined && neighbour.states.some((state) => state === 'FAILED' || state === 'INCOMPLETE');
  // An entry may have failed a while ago: that the host is silent now is for the ping to say.
  if (!isMisleading(trail.snapshots, trail.host, neighbour) && !(isFailed && evidence.length > 0)) return false;
  const state = neighbour.states.join(' ');
  const by = [
    { what: `${nextHop} ${neighbour.mac ?? 'has no link address'} ${state}`, source: `ip neighbour show dev ${neighbour.link}` },
    ...evidence,
  ];
  const did = isFailed
    ? `nobody on ${neighbour.link} answers for ${nextHop}`
    : `${nextHop} is set to ${neighbour.mac} on ${neighbour.link}, which is no link of its host`;
  trail.add({ place: 'wire', code: 'no-neighbour', did, by, outcome: 'broken' });
  return true;
}

/** Hosts between that nobody named are assumed to carry the packet. */
function jumpToOwner(trail: Trail): boolean {
  const { destination } = trail.packet;
  const owner = ownersOf(trail.snapshots, destination).find((name) => name !== trail.host);
  if (owner === undefined) {
    trail.add({ place: 'wire', code: 'unknown-host', did: `${destination} is on none of the named hosts`, outcome: 'unseen' });
    return false;
  }
  trail.add({ place: 'wire', code: 'unknown-host', did: `passes routers that were not named`, outcome: 'unseen' });
  const link = factOf(trail.snapshots.get(owner), 'addresses')?.find((entry) => entry.address === destination)?.link;
  trail.arrive(owner, link);
  return true;
}

/** A link that somebody has set down takes nothing in, and the kernel has dropped the routes over it. */
function isDown(trail: Trail): boolean {
  const link = factOf(trail.snapshot, 'links')?.find(({ name }) => name === trail.in);
  if (!link || link.up) return false;
  const by = [{ what: `${link.name} is not UP (state ${link.state})`, source: `ip link show dev ${link.name}` }];
  trail.add({ place: 'wire', code: 'link-down', did: `its link ${link.name} is set down`, by, outcome: 'broken' });
  return true;
}

function enterUpstream(trail: Trail, service: Service, upstream: Upstream): void {
  if (isDown(trail)) return;
  const sought = () => findListener(factOf(trail.snapshot, 'sockets'), service.protocol === 'udp' ? 'udp' : 'tcp', trail.packet);
  const listener = sought();
  const socket = listener === 'unknown' ? 'unknown' : listener ? 'plain' : 'none';
  const context = { state: trail.asking, socket, firstOfConnection: trail.asking === 'new' } as const;
  const { destination } = trail.packet;
  const prerouting = passArrival(trail, context, true);
  if (trail.broken) return;
  if (prerouting?.tracked !== false) trail.trackedBy.add(trail.host);
  const routed = trail.route('input');
  const by = routeProvenance(routed);
  const { answer } = routed;
  if (answer === undefined) {
    trail.add({
      place: 'route',
      code: 'unknown',
      did: `its routing is not known: ${whyUnrouted(trail.snapshot, routed)}`,
      by,
      outcome: 'unknown',
    });
  } else if (answer.type === 'local') {
    trail.add({ place: 'route', code: 'taken-in', did: `lets ${trail.packet.source} in on ${trail.in ?? 'its link'}`, by, route: routed });
  } else if (destination !== trail.packet.destination && answer.type === 'unicast') {
    const did = `passes it on to ${trail.packet.destination} instead of taking it in, which is not followed`;
    trail.add({ place: 'route', code: 'unknown', did, by, outcome: 'unknown', route: routed });
    return;
  } else {
    // The address is this host's own, so whatever is not `local` is source validation: an older kernel says so in other words.
    const did = `source validation drops it: ${answer.type === 'error' ? answer.text : answer.type}`;
    trail.add({ place: 'source-validation', code: 'source-invalid', did, by, outcome: 'broken', route: routed });
    return;
  }
  passHook(trail, 'input', { ...context, state: stateAfter(trail.asking, prerouting) });
  if (!trail.broken) meetSocket(trail, service, upstream, sought());
}

function meetSocket(trail: Trail, service: Service, upstream: Upstream, listener: ReturnType<typeof findListener>): void {
  const where = `${service.protocol === 'udp' ? 'UDP' : 'TCP'} port ${upstream.port}`;
  if (listener === 'unknown') {
    trail.add({
      place: 'socket',
      code: 'unknown',
      did: `its sockets are not known: ${whyMissing(trail.snapshot, 'sockets')}`,
      outcome: 'unknown',
    });
  } else if (!listener) {
    const by = [
      { what: `no socket for ${trail.packet.destination}, ${where}`, source: `/proc/net/${service.protocol === 'udp' ? 'udp' : 'tcp'}` },
    ];
    trail.add({
      place: 'socket',
      code: 'not-listening',
      did: `nothing listens on ${trail.packet.destination}, ${where}`,
      by,
      outcome: 'broken',
    });
  } else {
    trail.add({ place: 'socket', code: 'listening', did: `${listener.process?.name ?? 'a socket'} takes it on ${where}` });
  }
}
