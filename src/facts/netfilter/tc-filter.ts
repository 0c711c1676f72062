import { parsePrefix } from '../../net/prefix.js';
import type { TcAction, TcFilter, TcMatch } from '../../types.js';
import { protocolNumber } from './names.js';
import { get, isObject, type Json, list, number, text } from './nft-json.js';
import { readAction } from './tc-action.js';
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
  const handle = readHandle(options);
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
      ...(handle === undefined ? {} : { handle }),
      ...(match ? { match } : {}),
      actions,
      ...(packets === undefined ? {} : { packets }),
      text: [head, ...(match ? matchWords(match) : ['match not read']), ...actions.map(actionText)].join(' '),
    },
  ];
}

/** u32's as tc prints it, others as a number in JSON and in hexadecimal in its text. */
function readHandle(options: Json): string | undefined {
  const handle = get(options, 'fh') ?? get(options, 'handle');
  if (typeof handle === 'number') return `0x${handle.toString(16)}`;
  return /^(?:[0-9a-f]{1,3}:[0-9a-f]{0,2}:[0-9a-f]{1,3}|0x[0-9a-f]{1,8})$/i.test(text(handle) ?? '') ? text(handle) : undefined;
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

/** As tc_flower_print_eth_type() writes them; all else is not IP. */
const families = new Map<string, 4 | 6>([
  ['ipv4', 4],
  ['ipv6', 6],
]);

/** flower's keys; any that is not listed here makes the match unreadable. */
function flowerMatch(keys: Json): TcMatch | undefined {
  if (!isObject(keys)) return undefined;
  const match: TcMatch = {};
  for (const [key, value] of Object.entries(keys)) {
    const prefix = parsePrefix(String(value)) ? String(value) : undefined;
    const port = number(value);
    const protocol = protocolNumber(String(value));
    if (key === 'eth_type') match.family = families.get(String(value)) ?? 'neither';
    else if (key === 'src_ip' && prefix !== undefined) match.source = prefix;
    else if (key === 'dst_ip' && prefix !== undefined) match.destination = prefix;
    else if (key === 'ip_proto' && protocol !== undefined) match.ipProtocol = protocol;
    else if (key === 'src_port' && port !== undefined) match.sourcePort = { value: port, mask: 0xffff };
    else if (key === 'dst_port' && port !== undefined) match.destinationPort = { value: port, mask: 0xffff };
    else return undefined;
  }
  return match;
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

/** As one would type it, as far as that is read. */
function actionText(action: TcAction): string {
  switch (action.kind) {
    case 'nat':
      return `action nat ${action.direction} ${action.old} ${action.new}`;
    case 'mark':
      return `action skbedit mark ${action.value}${action.mask === 0xffffffff ? '' : `/0x${action.mask.toString(16)}`}`;
    case 'redirect':
      return `action mirred ${action.side} redirect dev ${action.to}`;
    case 'edit':
      return `action pedit of ${[...new Set(action.edits.map(({ field }) => words[field]))].join(' and ')}`;
    case 'other':
      return `action ${action.name}`;
  }
}

const words = { source: 'ip src', destination: 'ip dst', sourcePort: 'sport', destinationPort: 'dport' } as const;
