import { parsePrefix } from '../../net/prefix.js';
import type { TcAction, TcFilter, TcMatch } from '../../types.js';
import { protocolNumber } from './names.js';
import { get, isObject, type Json, list, number, text } from './nft-json.js';
import { filtersFromText } from './tc-text.js';
import { decodeU32 } from './u32.js';

/** Where a listing comes from: tc leaves the link out, and for clsact the hook, too. */
export interface FilterPlace {
  link: string;
  hook?: 'ingress' | 'egress';
}

/**
 * Reads what `tc -s -j filter show dev X [ingress|egress]` prints. Every u32 key is a member "match" of the same object, of which
 * JSON.parse keeps the last only, so they are numbered first. Inside a JSON string the quotes would be escaped, so no text can look like one.
 */
export function parseFilters(json: string, place: FilterPlace): TcFilter[] {
  if (json.trim() === '') return [];
  let count = 0;
  const numbered = json.replace(/"match":(?=\s*\{)/g, () => {
    count += 1;
    return `"match#${count}":`;
  });
  return list(JSON.parse(numbered)).flatMap((item) => readFilter(item, place));
}

/** Reads what `tc -s filter show dev X [ingress|egress]` prints. */
export function parseFilterText(text: string, place: FilterPlace): TcFilter[] {
  return filtersFromText(text).flatMap((item) => readFilter(item, place));
}

function readFilter(item: Json, place: FilterPlace): TcFilter[] {
  const options = get(item, 'options');
  // Each filter is led by entries that tell of its priority and its hash table alone.
  if (!isObject(options) || get(options, 'ht_divisor') !== undefined || (number(get(item, 'chain')) ?? 0) !== 0) return [];
  const [kind, protocol] = [text(get(item, 'kind')) ?? '', text(get(item, 'protocol')) ?? 'all'];
  const parent = place.hook ?? text(get(item, 'parent')) ?? 'root';
  const priority = number(get(item, 'pref')) ?? 0;
  const match = readMatch(kind, protocol, options);
  const actions = list(get(options, 'actions')).map(readAction);
  const packets = list(get(options, 'actions'))
    .map((action) => number(get(action, 'stats', 'packets')))
    .find((value) => value !== undefined);
  const head = `filter dev ${place.link} ${place.hook ?? `parent ${parent}`} protocol ${protocol} pref ${priority} ${kind}`;
  return [
    {
      link: place.link,
      parent,
      protocol,
      priority,
      kind,
      ...(match ? { match } : {}),
      actions,
      ...(packets === undefined ? {} : { packets }),
      text: [head, ...(match ? matchWords(match) : ['match not read']), ...actions.map(actionText)].join(' '),
    },
  ];
}

function readMatch(kind: string, protocol: string, options: Json): TcMatch | undefined {
  if (kind === 'matchall') return {};
  if (kind === 'flower') return flowerMatch(get(options, 'keys') ?? {});
  if (kind !== 'u32' || !isObject(options) || get(options, 'link') !== undefined) return undefined;
  // Filters of other hash tables are reached only through a link.
  if (!/^8[0-9a-f]{2}::/i.test(text(get(options, 'fh')) ?? '')) return undefined;
  const keys = Object.keys(options).filter((key) => key.startsWith('match#'));
  return decodeU32(
    keys.map((key) => options[key]),
    protocol === 'ipv6' ? 6 : 4,
  );
}

/** flower's keys; any that is not listed here makes the match unreadable. */
function flowerMatch(keys: Json): TcMatch | undefined {
  if (!isObject(keys)) return undefined;
  const match: TcMatch = {};
  for (const [key, value] of Object.entries(keys)) {
    const prefix = parsePrefix(String(value)) ? String(value) : undefined;
    const port = number(value);
    const protocol = protocolNumber(String(value));
    if (key === 'eth_type') continue;
    if (key === 'src_ip' && prefix !== undefined) match.source = prefix;
    else if (key === 'dst_ip' && prefix !== undefined) match.destination = prefix;
    else if (key === 'ip_proto' && protocol !== undefined) match.ipProtocol = protocol;
    else if (key === 'src_port' && port !== undefined) match.sourcePort = { value: port, mask: 0xffff };
    else if (key === 'dst_port' && port !== undefined) match.destinationPort = { value: port, mask: 0xffff };
    else return undefined;
  }
  return match;
}

function readAction(action: Json): TcAction {
  const name = text(get(action, 'kind')) ?? text(get(action, 'type')) ?? 'unnamed';
  const [direction, old, next] = ['direction', 'old_addr', 'new_addr'].map((key) => text(get(action, key)));
  const packets = number(get(action, 'stats', 'packets'));
  if (name !== 'nat' || (direction !== 'ingress' && direction !== 'egress') || !parsePrefix(old ?? '') || !parsePrefix(next ?? ''))
    return { kind: 'other', name: [name, fateOf(name, action)].filter((word) => word !== '').join(' ') };
  return { kind: 'nat', direction, old: old ?? '', new: next ?? '', ...(packets === undefined ? {} : { packets }) };
}

/** What becomes of the packet: gact's verdict (`gact drop`), and whether mirred sends the packet itself or a copy (print_gact(), print_mirred()). */
function fateOf(name: string, action: Json): string {
  if (name === 'gact') return text(get(action, 'control_action', 'type')) ?? '';
  if (name === 'skbedit') return get(action, 'mark') === undefined ? '' : 'mark';
  return name === 'mirred' ? (text(get(action, 'mirred_action')) ?? '') : '';
}

function matchWords({ source, destination, ipProtocol, sourcePort, destinationPort }: TcMatch): string[] {
  const port = (word: string, given: { value: number; mask: number } | undefined) =>
    given ? [`match ip ${word} ${given.value} 0x${given.mask.toString(16)}`] : [];
  return [
    ...(source === undefined ? [] : [`match ip src ${source}`]),
    ...(destination === undefined ? [] : [`match ip dst ${destination}`]),
    ...(ipProtocol === undefined ? [] : [`match ip protocol ${ipProtocol} 0xff`]),
    ...port('sport', sourcePort),
    ...port('dport', destinationPort),
  ];
}

function actionText(action: TcAction): string {
  return action.kind === 'nat' ? `action nat ${action.direction} ${action.old} ${action.new}` : `action ${action.name}`;
}
