import { contains } from '../net/prefix.js';
import type { Packet, TcAction, TcFilter, TrafficControl } from '../types.js';
import { type Acted, act, matters } from './tc-actions.js';

/**
 * What traffic control makes of a packet. `unknown`: a filter whose match could not be read may stand in the way, or the one that takes the
 * packet does what this model does not follow.
 */
export type TcRewrite =
  | { packet: Packet; by: TcFilter }
  | 'none'
  | { unknown: TcFilter }
  /** `why` where it is not an action that says so. */
  | { dropped: TcFilter; why?: string }
  | { redirect: TcAction & { kind: 'redirect' }; packet: Packet; by: TcFilter };

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
    if ('unknown' in next || 'dropped' in next || 'redirect' in next) return next;
    result = next;
    current = next.packet;
  }
  return result;
}

/** The first filter that takes the packet ends the search (tcf_classify), unless its verdict sends the packet on to the next one. */
function rewriteAt(filters: readonly TcFilter[], packet: Packet): TcRewrite {
  let current = packet;
  let by: TcFilter | undefined;
  let unread: TcFilter | undefined;
  for (const filter of [...filters].sort((a, b) => a.priority - b.priority)) {
    const taken = matches(filter, current);
    if (taken === undefined && filter.actions.some(matters)) return { unknown: filter };
    if (taken === undefined) unread ??= filter;
    if (taken !== true) continue;
    const acted = act(filter, current);
    const isChanged = !('packet' in acted) || acted.end === 'redirect' || acted.packet !== current;
    if (unread && isChanged) return { unknown: unread };
    if (acted.end !== 'next-filter') return isChanged ? outcome(acted, filter) : by ? { packet: current, by } : 'none';
    if (isChanged) by = filter;
    current = acted.packet;
  }
  return by ? { packet: current, by } : 'none';
}

function outcome(acted: Acted, by: TcFilter): TcRewrite {
  switch (acted.end) {
    case 'drop':
      return { dropped: by };
    case 'damaged':
      return { dropped: by, why: 'edits it without mending its IP checksum, so that the next host drops it' };
    case 'redirect':
      return { redirect: acted.redirect, packet: acted.packet, by };
    case 'unknown':
      return { unknown: by };
    default:
      return { packet: acted.packet, by };
  }
}

function matches(filter: TcFilter, packet: Packet): boolean | undefined {
  const { protocol, match, kind } = filter;
  if (protocol !== 'all' && protocol !== (packet.family === 4 ? 'ip' : 'ipv6')) return false;
  if (!match) return undefined;
  // Decoded by the layout of IPv4, a u32 filter for all protocols says nothing about IPv6.
  if (protocol === 'all' && kind === 'u32' && packet.family === 6) return Object.keys(match).length === 0 ? true : undefined;
  return (
    (match.family === undefined || match.family === packet.family) &&
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
