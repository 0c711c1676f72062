import type { ConnectionState, Packet, Provenance } from '../../types.js';
import { passControl } from '../control.js';
import type { FirewallOutcome } from '../firewall.js';
import { passArrival, passHook, stateAfter } from '../hooks.js';
import { forwards } from '../sysctls.js';
import { routeProvenance, type Trail } from '../trail.js';
import { factOf, whyUnrouted } from '../world.js';

/** A host that is neither the packet's source nor its end: prerouting, route, forward, postrouting, egress. Leaves `trail.out` set when the packet goes on. */
export function passThrough(trail: Trail, arriving: ConnectionState): void {
  const prerouting = passArrival(trail, { state: arriving, socket: 'none', firstOfConnection: arriving === 'new' });
  if (trail.broken) return;
  const state = stateAfter(arriving, prerouting);
  if (!routeOn(trail)) return;
  passHook(trail, 'forward', { state, socket: 'none', firstOfConnection: false });
  if (!trail.broken) leave(trail, state);
}

function routeOn(trail: Trail): boolean {
  const routed = trail.route('input');
  const by = routeProvenance(routed);
  const { answer } = routed;
  const note = { place: 'route', by, route: routed };
  if (answer === undefined) {
    trail.add({ ...note, code: 'unknown', did: `its routing is not known: ${whyUnrouted(trail.snapshot, routed)}`, outcome: 'unknown' });
    return false;
  }
  if (answer.type === 'unicast' && trail.packet.family === 6 && !forwardsIpv6(trail)) {
    trail.add({ ...note, code: 'not-forwarded', did: 'does not forward it: forwarding is off', outcome: 'broken' });
    return false;
  }
  if (answer.type === 'unicast') {
    trail.out = answer.link;
    trail.add({ ...note, code: 'forwarded', did: `forwards it on ${answer.link}${answer.via === undefined ? '' : ` via ${answer.via}`}` });
    return true;
  }
  if (answer.type === 'local') {
    trail.add({ ...note, code: 'stolen', did: 'takes the packet in instead of forwarding it', outcome: 'broken' });
  } else if (answer.type === 'error' && answer.error === 'invalid-source') {
    trail.add({
      ...note,
      place: 'source-validation',
      code: 'source-invalid',
      did: `source validation drops it: ${answer.text}`,
      outcome: 'broken',
    });
  } else {
    const did = `does not forward it: ${answer.type === 'error' ? answer.text : answer.type}`;
    trail.add({ ...note, code: 'not-forwarded', did, outcome: 'broken' });
  }
  return false;
}

/** ip6_forward() drops behind the routing decision, which therefore does not tell. Unknown sysctls accuse no one. */
function forwardsIpv6(trail: Trail): boolean {
  const sysctls = factOf(trail.snapshot, 'sysctls');
  return sysctls === undefined || trail.in === undefined || forwards(sysctls, trail.in, 6);
}

/** The end of every way out: postrouting, then the egress side of the link, where a stateless rewrite may sit (nf_hook_egress() before tc). */
export function leave(trail: Trail, state: ConnectionState | undefined): void {
  for (const hook of ['postrouting', 'egress'] as const) {
    const before = trail.packet;
    const outcome = passHook(trail, hook, { state, socket: 'none', firstOfConnection: state === 'new' });
    if (trail.broken) return;
    if (trail.leg === 'forward' && hidesSource(trail, before, outcome)) return;
    if (outcome?.nat?.to !== undefined) trail.packet = { ...trail.packet, source: outcome.nat.to };
    noteRewrite(trail, before, hook, trail.steps.at(-1)?.by ?? []);
  }
  rewriteAtEgress(trail);
}

/** Whether a request that leaves under another source than the client's is at its end: the upstream does not see the client. Tells so. */
export function hidesSource(trail: Trail, before: Packet, outcome: FirewallOutcome | undefined, filter?: readonly Provenance[]): boolean {
  const kind = outcome?.nat?.kind;
  if (kind !== 'masquerade' && kind !== 'snat' && trail.packet.source === before.source) return false;
  const last = trail.steps.at(-1);
  trail.add({
    place: filter ? 'egress' : (last?.place ?? 'postrouting'),
    code: 'source-masqueraded',
    did: `the client's address is replaced on the way out (${kind ?? 'rewrite'})`,
    by: filter ?? last?.by ?? [],
    outcome: 'broken',
    ...(last?.rule && !filter ? { rule: last.rule } : {}),
  });
  return true;
}

function rewriteAtEgress(trail: Trail): void {
  const before = trail.packet;
  const { packet, by } = passControl(trail, 'egress');
  trail.packet = packet;
  if (by !== undefined) noteRewrite(trail, before, 'egress', [{ what: by, source: `tc filter show dev ${trail.out}` }]);
}

function noteRewrite(trail: Trail, before: Packet, place: string, by: readonly { what: string; source: string }[]): void {
  if (before.source === trail.packet.source && before.sourcePort === trail.packet.sourcePort) return;
  trail.add({ place, code: 'rewritten', did: `source ${before.source} becomes ${trail.packet.source}`, by });
}
