import type { Service } from '../../types.js';
import { passArrival, passHook, replyState, replyTo, stateAfter } from '../hooks.js';
import { routeProvenance, type Trail } from '../trail.js';
import { type Arrival, arrivalAt, facingLink, factOf, ownersOf, owns, whyMissing, whyUnrouted } from '../world.js';
import { depart } from './depart.js';
import { passThrough } from './pass-through.js';

/** What the reply's way needs to know. */
export interface ReplyContext {
  service: Service;
  /** Addresses under which the client may have asked. */
  vips: readonly string[];
  /** Port the client asked from; nginx may have taken another towards the upstream. */
  clientPort: number;
  listenPort: number;
  /** The link on nginx's host that leads to the upstream. */
  upstreamLink: string | undefined;
}

/** The upstream's reply: out of the upstream, over any routers, and in at nginx (method 1) or at the client (DSR). */
export function followReply(trail: Trail, context: ReplyContext): void {
  trail.leg = 'reply';
  trail.packet = replyTo(trail.packet);
  trail.in = undefined;
  if (trail.host === context.service.host && !isDsr(context.service)) {
    answerAtHome(trail);
    return;
  }
  leaveUpstream(trail);
  for (let hops = 0; hops < 8 && !trail.broken && trail.out !== undefined; hops++) {
    if (trail.isContested(nextHop(trail) ?? trail.packet.destination)) return;
    const arrival = nextArrival(trail);
    if (!arrival) {
      beyondNamedHosts(trail, context);
      return;
    }
    if (owns(trail.snapshots.get(arrival.host), trail.packet.destination)) {
      arriveAtClient(trail, context, arrival);
      return;
    }
    trail.arrive(arrival.host, arrival.link);
    if (!isDsr(context.service) && arrival.host === context.service.host) {
      takeIn(trail);
      return;
    }
    passThrough(trail, replyState(trail));
  }
  if (!trail.broken && trail.out !== undefined) {
    trail.add({ place: 'route', code: 'unknown', did: 'the reply goes round in circles', outcome: 'unknown' });
  }
}

/** The reply of an upstream that nobody named, as it would come in at nginx's host. */
export function assumeReply(trail: Trail, context: ReplyContext): void {
  trail.leg = 'reply';
  trail.packet = replyTo(trail.packet);
  trail.arrive(context.service.host, context.upstreamLink);
  if (!isDsr(context.service)) takeIn(trail);
}

function isDsr(service: Service): boolean {
  return service.mode.startsWith('dsr');
}

/** An upstream on nginx's own host: its replies are made here and never cross PREROUTING, so only routing can keep them here. */
function answerAtHome(trail: Trail): void {
  passHook(trail, 'output', { state: 'established', socket: 'plain', firstOfConnection: false });
  if (trail.broken) return;
  const routed = trail.route('output');
  const note = { place: 'route', by: routeProvenance(routed), route: routed };
  if (routed.answer === undefined) {
    trail.add({ ...note, code: 'unknown', did: 'its routing is not known', outcome: 'unknown' });
    return;
  }
  if (routed.answer.type !== 'local') {
    const fate = routed.answer.type === 'unicast' ? `leaves on ${routed.answer.link}` : 'is dropped';
    const did = `the reply to ${trail.packet.destination} is made on nginx's own host, never crosses PREROUTING and ${fate}`;
    trail.add({ ...note, code: 'upstream-on-this-host', did, outcome: 'broken' });
    return;
  }
  trail.add({ ...note, code: 'taken-in', did: 'keeps the reply on this host' });
  trail.in = 'lo';
  passHook(trail, 'input', { state: 'established', socket: 'transparent', firstOfConnection: false });
  if (!trail.broken) trail.add({ place: 'socket', code: 'delivered', did: 'nginx gets the reply' });
}

function leaveUpstream(trail: Trail): void {
  const client = trail.packet.destination;
  depart(trail, replyState(trail), {
    leaves: (via, link) => `answers ${via === undefined ? 'straight' : `via ${via}`} on ${link}`,
    hasNoRoute: `has no route to the client ${client}`,
    isOwn: `the client's address ${client} is its own`,
  });
}

function nextHop(trail: Trail): string | undefined {
  const step = trail.steps.findLast((candidate) => candidate.host === trail.host && candidate.route?.answer?.type === 'unicast');
  return step?.route?.answer?.type === 'unicast' ? step.route.answer.via : undefined;
}

function nextArrival(trail: Trail): Arrival | undefined {
  return trail.out === undefined
    ? undefined
    : arrivalAt(trail.snapshots, trail.host, trail.out, nextHop(trail) ?? trail.packet.destination);
}

/** Nobody named the host that gets the packet now. */
function beyondNamedHosts(trail: Trail, context: ReplyContext): void {
  const gateway = nextHop(trail);
  const elsewhere = ownersOf(trail.snapshots, trail.packet.destination);
  if (isDsr(context.service)) {
    if (gateway !== undefined && !rewritten(trail) && trail.host !== context.service.host) {
      trail.add({
        place: 'wire',
        code: 'unknown-host',
        did: `leaves to ${gateway}, which is on none of the named hosts`,
        outcome: 'unseen',
      });
      return;
    }
    judgeAtClient(trail, context);
    return;
  }
  const nginxIsNear = trail.out !== undefined && facingLink(trail.snapshots, trail.host, trail.out, context.service.host) !== undefined;
  if (gateway === undefined || nginxIsNear || elsewhere.includes(trail.host)) {
    const where = gateway === undefined ? `straight to the client on ${trail.out ?? 'its link'}` : `to ${gateway}`;
    const did = `sends the reply ${where}, not to nginx's host ${context.service.host}`;
    trail.add({ place: 'wire', code: 'bypassed', did, outcome: 'broken' });
    return;
  }
  trail.add({ place: 'wire', code: 'unknown-host', did: `leaves to ${gateway}, which is on none of the named hosts`, outcome: 'unseen' });
  trail.arrive(context.service.host, context.upstreamLink);
  takeIn(trail);
}

function arriveAtClient(trail: Trail, context: ReplyContext, arrival: Arrival): void {
  if (isDsr(context.service)) {
    judgeAtClient(trail, context, arrival);
    return;
  }
  const did = `sends the reply to the client's host ${arrival.host} and not to nginx's host ${context.service.host}`;
  trail.add({ place: 'wire', code: 'bypassed', did, outcome: 'broken' });
}

function rewritten(trail: Trail): boolean {
  return trail.steps.some((step) => step.leg === 'reply' && step.code === 'rewritten');
}

/** What the client's socket would make of a DSR reply: it must look as if it came from the address and port that were asked. */
function judgeAtClient(trail: Trail, context: ReplyContext, arrival?: Arrival): void {
  const { source, sourcePort, destinationPort } = trail.packet;
  const asked = context.vips.includes(source);
  const verdict = () => {
    if (!asked && !rewritten(trail)) return ['not-rewritten', `reaches the client from ${source}, not from the address it asked`] as const;
    if (!asked || sourcePort !== context.listenPort)
      return [
        'wrongly-rewritten',
        `reaches the client from ${source}:${sourcePort ?? '?'}, not from ${context.vips[0] ?? '?'}:${context.listenPort}`,
      ] as const;
    if (destinationPort !== context.clientPort) return ['wrong-client-port', 'reaches a port the client never used'] as const;
    return undefined;
  };
  const wrong = verdict();
  if (wrong) noteUnreadFilters(trail);
  if (wrong) trail.add({ place: 'wire', code: wrong[0], did: wrong[1], outcome: 'broken' });
  if (arrival) trail.arrive(arrival.host, arrival.link);
  if (wrong) return;
  if (arrival) letIn(trail);
  if (!trail.broken) trail.add({ place: 'wire', code: 'delivered', did: `reaches the client from ${source}` });
}

/** The client's own firewall knows the reply for one to its request. */
function letIn(trail: Trail): void {
  const context = { state: 'established', socket: 'plain', firstOfConnection: false } as const;
  passArrival(trail, context);
  if (!trail.broken) passHook(trail, 'input', context);
}

/** A host whose tc filters were not to be had may rewrite the reply after all. */
function noteUnreadFilters(trail: Trail): void {
  const passed = new Set(trail.steps.filter((step) => step.leg === 'reply').map((step) => step.host));
  for (const host of passed) {
    const snapshot = trail.snapshots.get(host);
    if (factOf(snapshot, 'trafficControl')) continue;
    const did = `whether tc on ${host} rewrites the reply is not known: ${whyMissing(snapshot, 'trafficControl')}`;
    trail.add({ place: 'egress', code: 'unknown', did, outcome: 'unknown' });
  }
}

/** Method 1, on nginx's host: the reply is addressed to the client and must yet be taken in. */
function takeIn(trail: Trail): void {
  const prerouting = passArrival(trail, { state: replyState(trail), socket: 'transparent', firstOfConnection: false });
  if (trail.broken) return;
  const routed = trail.route('input');
  const { answer } = routed;
  const note = { place: 'route', by: routeProvenance(routed), route: routed };
  if (answer === undefined) {
    trail.add({ ...note, code: 'unknown', did: `its routing is not known: ${whyUnrouted(trail.snapshot, routed)}`, outcome: 'unknown' });
    return;
  }
  if (answer.type === 'error' && answer.error === 'invalid-source') {
    trail.add({
      ...note,
      place: 'source-validation',
      code: 'source-invalid',
      did: `source validation drops the reply: ${answer.text}`,
      outcome: 'broken',
    });
    return;
  }
  if (answer.type !== 'local') {
    const fate = answer.type === 'unicast' ? `would be forwarded on ${answer.link}` : 'is dropped';
    trail.add({
      ...note,
      code: 'not-taken-in',
      did: `the reply to ${trail.packet.destination} ${fate} instead of being taken in`,
      outcome: 'broken',
    });
    return;
  }
  trail.add({ ...note, code: 'taken-in', did: 'takes the reply in' });
  passHook(trail, 'input', { state: stateAfter(replyState(trail), prerouting), socket: 'transparent', firstOfConnection: false });
  if (!trail.broken) trail.add({ place: 'socket', code: 'delivered', did: 'nginx gets the reply' });
}
