import { z } from 'zod';
import { everything } from '../net/prefix.js';
import type { Fact, Family, Host, PolicyRule } from '../types.js';
import { number, parseList, prefixText, readFamilies, tableName, typeOfService } from './iproute.js';

export async function read(host: Host): Promise<Fact<readonly PolicyRule[]>> {
  return readFamilies(host, ['rule', 'show'], parsePolicyRules);
}

const text = z.union([z.string(), z.number()]);

const entry = z.looseObject({
  priority: z.number().default(0),
  not: z.unknown().optional(),
  src: z.string().optional(),
  srclen: z.number().optional(),
  dst: z.string().optional(),
  dstlen: z.number().optional(),
  fwmark: text.optional(),
  fwmask: text.optional(),
  iif: z.string().optional(),
  oif: z.string().optional(),
  table: text.optional(),
  action: z.string().optional(),
  goto: text.optional(),
  nop: z.unknown().optional(),
  ipproto: text.optional(),
  sport: text.optional(),
  sport_start: z.number().optional(),
  sport_end: z.number().optional(),
  sport_mask: text.optional(),
  dport: text.optional(),
  dport_start: z.number().optional(),
  dport_end: z.number().optional(),
  dport_mask: text.optional(),
  tos: text.optional(),
  suppress_prefixlen: z.number().optional(),
});

type Entry = z.infer<typeof entry>;

/** Keys of the output that carry no selector of their own: `protocol` is who made the rule, the others say that a link or target is missing now. */
const understood = new Set([...Object.keys(entry.shape), 'protocol', 'iif_detached', 'oif_detached', 'unresolved', 'flags']);

/** Output of `ip -j -4 rule show` (or `-6`). */
export function parsePolicyRules(output: string, family: Family): PolicyRule[] {
  return parseList(output, entry).map((item): PolicyRule => {
    const other = Object.entries(item).flatMap(([key, value]) => (understood.has(key) ? [] : [value === null ? key : `${key} ${value}`]));
    const protocol = protocolOf(item);
    if (protocol === undefined) other.push(`ipproto ${item.ipproto}`);
    const tos = typeOfService(item.tos ?? 0);
    if (tos === undefined) other.push(`tos ${item.tos}`);
    // Kernels from 6.15 on tell a mask with every single port; only some bits of a port are more than this model evaluates.
    for (const side of ['sport', 'dport'] as const) {
      const mask = number(item[`${side}_mask`]) ?? 0xffff;
      if (mask !== 0xffff) other.push(`${side} ${item[side]}/0x${mask.toString(16)}`);
    }
    return {
      family,
      priority: item.priority,
      ...(item.not === undefined || item.not === false ? {} : { not: true }),
      ...selector('from', item.src, item.srclen, family),
      ...selector('to', item.dst, item.dstlen, family),
      ...(item.iif === undefined ? {} : { iif: item.iif }),
      ...(item.oif === undefined ? {} : { oif: item.oif }),
      ...markOf(item),
      ...protocol,
      ...ports('sourcePort', item.sport, item.sport_start, item.sport_end),
      ...ports('destinationPort', item.dport, item.dport_start, item.dport_end),
      ...(tos ? { tos } : {}),
      ...(item.suppress_prefixlen === undefined ? {} : { suppressPrefixLength: item.suppress_prefixlen }),
      ...(other.length === 0 ? {} : { other: other.join(', ') }),
      ...actionOf(item),
    };
  });
}

function selector(name: 'from' | 'to', address: string | undefined, length: number | undefined, family: Family): Partial<PolicyRule> {
  if (address === undefined || address === 'all') return {};
  const prefix = prefixText(length === undefined ? address : `${address}/${length}`, family);
  return prefix === everything(family) ? {} : { [name]: prefix };
}

function markOf({ fwmark, fwmask }: Entry): Partial<PolicyRule> {
  // Old releases print `0x1/0xff` in one word.
  const [first, second] = String(fwmark ?? '').split('/');
  const mark = first ? number(first) : undefined;
  if (mark === undefined) return {};
  return { mark, mask: number(fwmask ?? second) ?? 0xffffffff };
}

const protocolNumbers = new Map(Object.entries({ icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58, icmpv6: 58, sctp: 132 }));

/** Undefined when the name is not known. Without /etc/protocols iproute2 prints `ipproto-17`. */
function protocolOf({ ipproto }: Entry): Pick<PolicyRule, 'ipProtocol'> | undefined {
  if (ipproto === undefined) return {};
  const name = String(ipproto).toLowerCase();
  const value = protocolNumbers.get(name) ?? number(name.replace(/^(?:ipproto|proto)-/, ''));
  return value === undefined ? undefined : { ipProtocol: value };
}

function ports(
  name: 'sourcePort' | 'destinationPort',
  one: string | number | undefined,
  start: number | undefined,
  end: number | undefined,
): Partial<PolicyRule> {
  const [low, high] = one === undefined ? [start, end] : String(one).split('-').map(Number);
  return low === undefined ? {} : { [name]: [low, high ?? low] };
}

const refusals = new Set(['blackhole', 'unreachable', 'prohibit']);

function actionOf({ action, table, goto, nop }: Entry): Pick<PolicyRule, 'action' | 'table' | 'goto'> {
  if (goto !== undefined) return { action: 'goto', ...(number(goto) === undefined ? {} : { goto: Number(goto) }) };
  if (table !== undefined && (action === undefined || action === 'to_tbl' || action === 'lookup'))
    return { action: 'table', table: tableName(table) };
  if (action !== undefined && refusals.has(action)) return { action: action as 'blackhole' };
  return { action: action === 'nop' || nop !== undefined ? 'nop' : 'other' };
}
