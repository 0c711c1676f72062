import { contains } from '../net/prefix.js';
import type { ConnectionState, Family, FirewallRule, FirewallTable, Hook, Packet, Route, Snapshot } from '../types.js';
import { passControl } from './control.js';
import { longestMatch, lookup } from './fib.js';
import { combineTables, describeRule, evaluate, type FirewallOutcome } from './firewall.js';
import { type RoutingState, validateSource } from './routing.js';
import type { Trail } from './trail.js';
import { factOf, routingState, whyMissing } from './world.js';

/** What a hook may need to know about the packet besides its header. */
export interface HookContext {
  state: ConnectionState | undefined;
  /** Would a local socket take the packet, and is it a transparent one? */
  socket: 'transparent' | 'plain' | 'none' | 'unknown';
  /** nat chains see only the first packet of a connection. */
  firstOfConnection: boolean;
}

const firewallFacts = ['iptablesLegacy', 'iptablesNft', 'nft'] as const;

/** All tables of a host, each kernel table once. Undefined with the reason when a back end could not be read. */
export function firewallOf(snapshot: Snapshot | undefined): { tables: FirewallTable[] } | { missing: string } {
  for (const name of firewallFacts) if (!factOf(snapshot, name)) return { missing: whyMissing(snapshot, name) };
  return {
    tables: combineTables(factOf(snapshot, 'iptablesLegacy') ?? [], factOf(snapshot, 'iptablesNft') ?? [], factOf(snapshot, 'nft') ?? []),
  };
}

/** Takes the packet through a netfilter hook of the host it is on. Returns the outcome that the walk goes on with. */
export function passHook(trail: Trail, hook: Hook, context: HookContext): FirewallOutcome | undefined {
  const firewall = firewallOf(trail.snapshot);
  if ('missing' in firewall) {
    trail.add({ place: hook, code: 'firewall-unknown', did: `its rules could not be read: ${firewall.missing}`, outcome: 'unknown' });
    return undefined;
  }
  if (!firewall.tables.some((table) => table.chains.some((chain) => chain.base?.hook === hook))) return undefined;
  const outcomes = evaluate(firewall.tables, hook, trail.packet, {
    ...(trail.in === undefined ? {} : { in: trail.in }),
    ...(trail.out === undefined ? {} : { out: trail.out }),
    ...context,
    connectionMark: trail.connectionMarks.get(trail.host),
    addressType: (address) => addressType(trail.snapshot, address),
    reversePath: (loose, mark, by) => reversePath(trail, loose, mark, by),
  });
  return conclude(trail, hook, outcomes);
}

/**
 * Onto a host: tc's filters and netfilter's ingress hook of the link come before the protocol's prerouting (__netif_receive_skb_core()). At a socket's
 * host addresses and ports that a filter changes are not followed: whose socket takes the packet then is not known.
 */
export function passArrival(trail: Trail, context: HookContext, follows = context.socket === 'none'): FirewallOutcome | undefined {
  const { packet, by } = passControl(trail, 'ingress');
  if (by !== undefined && packet !== trail.packet) noteArrival(trail, packet, by, follows);
  if (!trail.broken) passHook(trail, 'ingress', context);
  return trail.broken ? undefined : passHook(trail, 'prerouting', context);
}

function noteArrival(trail: Trail, packet: Packet, what: string, follows: boolean): void {
  const old = trail.packet;
  const note = { place: 'ingress', by: [{ what, source: `tc filter show dev ${trail.in} ingress` }] };
  const isSource = old.source !== packet.source || old.sourcePort !== packet.sourcePort;
  const isElsewhere = old.destination !== packet.destination || old.destinationPort !== packet.destinationPort;
  if ((isSource || isElsewhere) && !follows) {
    const did = `a tc filter on ${trail.in} gives it another address or port, which is not followed`;
    trail.add({ ...note, code: 'unknown', did, outcome: 'unknown' });
    return;
  }
  if (isSource) trail.add({ ...note, code: 'rewritten', did: `source ${old.source} becomes ${packet.source}` });
  if (isElsewhere) trail.add({ ...note, code: 'redirected', did: `destination ${old.destination} becomes ${packet.destination}` });
  if (old.mark !== packet.mark) trail.add({ ...note, code: 'marked', did: `gets mark 0x${packet.mark.toString(16)}` });
  trail.packet = packet;
}

/**
 * Whether the kernel routes a packet made here once more behind the output hook: a chain of type route (mangle OUTPUT is one) has changed its mark
 * (ip_route_me_harder()). A chain of type filter changes the mark as well, and the route stays as it was.
 */
export function isRerouted(before: Packet, outcome: FirewallOutcome | undefined): boolean {
  if (outcome === undefined || outcome.packet.mark === before.mark) return false;
  return outcome.touched.some(
    ({ table, rule }) =>
      rule !== undefined && marks(rule) && table.chains.some(({ base }) => base?.hook === 'output' && base.type === 'route'),
  );
}

function marks({ steps }: FirewallRule): boolean {
  return steps.some((step) => 'do' in step && (step.do === 'mark' || step.do === 'restore-mark'));
}

function conclude(trail: Trail, hook: Hook, outcomes: readonly FirewallOutcome[]): FirewallOutcome | undefined {
  const passing = outcomes.filter((outcome) => outcome.verdict === 'accept');
  const chosen = passing[0] ?? outcomes[0];
  if (!chosen) return undefined;
  const by = outcomes
    .flatMap((outcome) => outcome.touched)
    .filter((touched, index, all) => all.findIndex((other) => other.rule === touched.rule) === index);
  const provenance = by.map(({ table, chain, rule }) => describeRule(table, chain, rule));
  if (outcomes.length > 1) {
    const rule = outcomes.find((outcome) => outcome.unknownBecause)?.unknownBecause;
    const did = `cannot be told: ${rule ? `"${rule.text}" is beyond what can be evaluated` : 'a rule is beyond what can be evaluated'}`;
    trail.add({ place: hook, code: 'firewall-unknown', did, by: provenance, outcome: 'unknown', ...(rule ? { rule } : {}) });
  } else if (chosen.verdict !== 'accept') {
    const decided = chosen.by;
    const did = chosen.verdict === 'drop' ? `the firewall drops it in ${hook}` : `the firewall rejects it in ${hook}`;
    const source = decided ? [describeRule(decided.table, decided.chain, decided.rule)] : provenance;
    trail.add({
      place: hook,
      code: 'firewall-dropped',
      did,
      by: source,
      outcome: 'broken',
      ...(decided?.rule ? { rule: decided.rule } : {}),
    });
  } else {
    const marked = chosen.packet.mark !== trail.packet.mark;
    const did = marked ? `gets mark 0x${chosen.packet.mark.toString(16)}` : 'passes';
    const rule = by[0]?.rule;
    trail.add({ place: hook, code: marked ? 'marked' : 'firewall-accepted', did, by: provenance, ...(rule ? { rule } : {}) });
  }
  trail.packet = chosen.packet;
  if (chosen.connectionMark === undefined) trail.connectionMarks.delete(trail.host);
  else trail.connectionMarks.set(trail.host, chosen.connectionMark);
  return chosen;
}

/** Address type by the local table, as `-m addrtype` and `fib daddr type` see it. */
function addressType(snapshot: Snapshot | undefined, address: string): string | undefined {
  const routes = factOf(snapshot, 'routes');
  if (!routes) return undefined;
  const family: Family = address.includes(':') ? 6 : 4;
  return longestMatch(routes, 'local', { family, to: address })?.type ?? 'unicast';
}

/** What rpfilter and `fib saddr` ask: is there a way back to the source, and in the strict form by the link that the packet came in on? */
function reversePath(trail: Trail, loose: boolean, mark: number, by: 'fib' | 'rpfilter'): boolean | undefined {
  const state = routingState(trail.snapshot);
  if (!state || trail.in === undefined) return undefined;
  const { family, source, destination } = trail.packet;
  if (family === 6) return reversePath6(state, { to: source, from: destination, mark }, { link: trail.in, loose, by });
  const sysctls = { 'net/ipv4/conf/all/rp_filter': loose ? '2' : '1', ...(mark ? { 'net/ipv4/conf/all/src_valid_mark': '1' } : {}) };
  return validateSource({ ...state, sysctls }, { family, to: destination, from: source, iif: trail.in, mark }).valid;
}

/**
 * nft_fib6_eval() and rpfilter_lookup_reverse6(): one look-up like any other, so that a policy rule for the mark counts, and then a look at the
 * link of what was found. Only for link-local sources do routes by other links not count.
 */
function reversePath6(
  state: RoutingState,
  back: { to: string; from: string; mark: number },
  { link, loose, by }: { link: string; loose: boolean; by: 'fib' | 'rpfilter' },
): boolean | undefined {
  const leadsOut = (route: Route) => route.nextHops.some((hop) => hop.link === link);
  const routes = contains('fe80::/10', back.to) ? state.routes.filter(leadsOut) : state.routes;
  const result = lookup({ ...state, routes }, { family: 6, iif: 'lo', ...back });
  if (result.found === 'unknown') return undefined;
  if (result.found !== 'route') return false;
  const { route } = result;
  // rpfilter does not mind a local route, which leads to lo.
  if (route.type !== 'unicast') return route.type === 'local' && loose && by === 'rpfilter';
  if (loose || leadsOut(route)) return true;
  // Among routes to one prefix rpfilter prefers that by the link, fib the best: which is found is not followed further.
  return routes.some((other) => other.table === route.table && other.to === route.to && leadsOut(other)) ? undefined : false;
}

/** The state that connection tracking gives a packet of the reply direction on this host. */
export function replyState(trail: Trail): ConnectionState {
  if (trail.trackedBy.has(trail.host) || answersRequest(trail)) return 'established';
  // A SYN-ACK without its SYN is INVALID (tcp_new() in nf_conntrack_proto_tcp.c); a lone UDP datagram opens a flow of its own.
  return trail.packet.protocol === 6 ? 'invalid' : 'new';
}

/** A DSR reply under the address that was asked, on a router that has seen the client ask. */
function answersRequest({ host, packet, request }: Trail): boolean {
  if (!request?.seenBy.has(host)) return false;
  const { source, destination, sourcePort, destinationPort, protocol } = request.packet;
  return (
    packet.protocol === protocol &&
    packet.source === destination &&
    packet.destination === source &&
    packet.sourcePort === destinationPort &&
    packet.destinationPort === sourcePort
  );
}

/** Keeps what a later hook on the same host needs: NOTRACK in prerouting makes the packet untracked from there on. */
export function stateAfter(state: ConnectionState | undefined, outcome: FirewallOutcome | undefined): ConnectionState | undefined {
  return outcome && !outcome.tracked ? 'untracked' : state;
}

/** The packet of the reply to a request. */
export function replyTo(packet: Packet): Packet {
  const { source, destination, sourcePort, destinationPort, ...rest } = packet;
  return {
    ...rest,
    source: destination,
    destination: source,
    ...(destinationPort === undefined ? {} : { sourcePort: destinationPort }),
    ...(sourcePort === undefined ? {} : { destinationPort: sourcePort }),
    mark: 0,
    ...(packet.protocol === 6 ? { tcpFlags: 18 } : {}),
  };
}
