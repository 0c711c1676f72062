import { graft, sameAddress } from '../net/address.js';
import { contains, parsePrefix } from '../net/prefix.js';
import type { Packet, TcAction, TcFilter, TcMatch, TrafficControl } from '../types.js';

type Nat = TcAction & { kind: 'nat' };

/**
 * What traffic control makes of a packet. `unknown`: a filter whose match could not be read may stand in the way, or the one that takes the
 * packet does what this model does not follow (pedit, skbedit, a redirect to another link).
 */
export type TcRewrite = { packet: Packet; by: TcFilter } | 'none' | { unknown: TcFilter } | { dropped: TcFilter };

/** On its way out of a link: clsact's egress filters first, then those of the root qdisc (__dev_queue_xmit). */
export function rewriteOnEgress(tc: TrafficControl, link: string, packet: Packet): TcRewrite {
  const roots = tc.qdiscs.filter((qdisc) => qdisc.link === link && qdisc.parent === undefined && qdisc.handle !== '0:');
  const clsact = tc.qdiscs.some((qdisc) => qdisc.link === link && qdisc.kind === 'clsact');
  const parents = [...(clsact ? ['egress'] : []), ...roots.map((qdisc) => qdisc.handle)];
  return rewriteThrough(tc, link, parents, packet);
}

/** On its way in: the filters of clsact or of the ingress qdisc, before any netfilter hook but ingress. */
export function rewriteOnIngress(tc: TrafficControl, link: string, packet: Packet): TcRewrite {
  const there = tc.qdiscs.some((qdisc) => qdisc.link === link && (qdisc.kind === 'clsact' || qdisc.kind === 'ingress'));
  return rewriteThrough(tc, link, there ? ['ingress'] : [], packet);
}

function rewriteThrough(tc: TrafficControl, link: string, parents: readonly string[], packet: Packet): TcRewrite {
  let result: TcRewrite = 'none';
  let current = packet;
  for (const parent of parents) {
    const filters = tc.filters.filter((filter) => filter.link === link && filter.parent === parent);
    const next = rewriteAt(filters, current);
    if (next === 'none') continue;
    if ('unknown' in next || 'dropped' in next) return next;
    result = next;
    current = next.packet;
  }
  return result;
}

/** The first filter that takes the packet ends the search (tcf_classify), whatever it does. */
function rewriteAt(filters: readonly TcFilter[], packet: Packet): TcRewrite {
  const ordered = [...filters].sort((a, b) => a.priority - b.priority);
  const unread = ordered.find((filter) => matches(filter, packet) === undefined);
  const by = ordered.find((filter) => matches(filter, packet) === true && !continues(filter));
  const before = unread !== undefined && (by === undefined || ordered.indexOf(unread) < ordered.indexOf(by));
  const rewritten = by ? rewrite(by, packet) : packet;
  const matters = ordered.some(
    (filter) => matches(filter, packet) === undefined && filter.actions.some((action) => isNat(action) || !isHarmless(action)),
  );
  const fate = by?.actions.find((action) => !isNat(action) && !isHarmless(action));
  if (before && (rewritten !== packet || matters || fate)) return { unknown: unread };
  if (by && fate) return isDrop(fate) ? { dropped: by } : { unknown: by };
  return by && rewritten !== packet ? { packet: rewritten, by } : 'none';
}

function matches(filter: TcFilter, packet: Packet): boolean | undefined {
  const { protocol, match, kind } = filter;
  if (protocol !== 'all' && protocol !== (packet.family === 4 ? 'ip' : 'ipv6')) return false;
  if (!match) return undefined;
  // Decoded by the layout of IPv4, a u32 filter for all protocols says nothing about IPv6.
  if (protocol === 'all' && kind === 'u32' && packet.family === 6) return Object.keys(match).length === 0 ? true : undefined;
  return (
    (match.source === undefined || contains(match.source, packet.source)) &&
    (match.destination === undefined || contains(match.destination, packet.destination)) &&
    (match.ipProtocol === undefined || match.ipProtocol === packet.protocol) &&
    matchesPort(match.sourcePort, packet.sourcePort) &&
    matchesPort(match.destinationPort, packet.destinationPort)
  );
}

/** Later fragments carry payload where the ports would be: taken as no match. */
function matchesPort(wanted: { value: number; mask: number } | undefined, port: number | undefined): boolean {
  return wanted === undefined || (port !== undefined && (port & wanted.mask) === wanted.value);
}

/** Verdicts of act_gact.c; a drop that a policer may give (act_police) is not sure. */
function isDrop(action: TcAction): boolean {
  return action.kind === 'other' && (action.name === 'gact drop' || action.name === 'gact shot');
}

/** The verdict that sends the packet on to the next filter. */
function continues({ actions }: TcFilter): boolean {
  return actions.length === 1 && actions.some((action) => action.kind === 'other' && action.name === 'gact continue');
}

/** A policer drops what is too much and lets the rest pass; skbedit changes the queue or the priority, and with a mark it is called so. */
const harmless = new Set([
  ...['pass', 'ok', 'pipe', 'continue', 'reclassify'].map((verdict) => `gact ${verdict}`),
  ...['mirred mirror', 'csum', 'sample', 'connmark', 'simple', 'police', 'skbedit'],
]);

function isHarmless(action: TcAction): boolean {
  return action.kind === 'other' && harmless.has(action.name);
}

function isNat(action: TcAction): action is Nat {
  return action.kind === 'nat';
}

/** act_nat.c: `egress` turns the source, `ingress` the destination, wherever the filter hangs; IPv4 only. */
function rewrite(filter: TcFilter, packet: Packet): Packet {
  if (packet.family !== 4) return packet;
  return filter.actions.filter(isNat).reduce((current, action) => turn(current, action, filter.match), packet);
}

function turn(packet: Packet, action: Nat, match: TcMatch | undefined): Packet {
  const side = action.direction === 'egress' ? 'source' : 'destination';
  const old = oldPrefix(action, match?.[side]);
  if (old === undefined || !contains(`${old.address}/${old.length}`, packet[side])) return packet;
  const address = graft(parsePrefix(action.new)?.address ?? '', packet[side], old.length);
  return address === undefined ? packet : { ...packet, [side]: address };
}

/**
 * The addresses an action turns. iproute2 prints every mask as /32 (m_nat.c counts the bits of a mask in network byte order),
 * so a filter for a prefix whose network address the action names as old address means that whole prefix.
 */
function oldPrefix(action: Nat, matched: string | undefined): { address: string; length: number } | undefined {
  const printed = parsePrefix(action.old);
  const filtered = parsePrefix(matched ?? '');
  if (!printed) return undefined;
  const shortened = filtered && printed.length === 32 && filtered.length < 32 && sameAddress(filtered.address, printed.address);
  return { address: printed.address, length: shortened ? filtered.length : printed.length };
}
