import type { FirewallMatch, SetField } from '../../types.js';
import { tcpFlagBits, unsigned } from './names.js';
import { entry, get, type Json, list, number, text } from './nft-json.js';

type Side = 'source' | 'destination';

/** What the left-hand side of a comparison looks at, as far as the evaluator knows it. */
export type Selector =
  | { of: 'address'; side: Side }
  | { of: 'port'; side: Side; ipProtocols: readonly number[] | undefined }
  | { of: 'protocol' }
  | { of: 'family' }
  | { of: 'interface'; side: 'in' | 'out' }
  | { of: 'mark'; holder: 'packet' | 'connection'; mask: number }
  | { of: 'state'; mask: readonly string[] | undefined }
  | { of: 'status' }
  | { of: 'address-type'; side: Side }
  | { of: 'tcp-flags'; mask: number | undefined }
  | { of: 'socket'; key: 'transparent' | 'wildcard' }
  | { of: 'reverse-path'; loose: boolean; mark: boolean }
  /** The offset alone, without the flags beside it, where `masked`. */
  | { of: 'fragment-offset'; masked: boolean }
  | { of: 'other' };

/** A selector, and the matches that nft implies with it and does not print (payload dependencies). */
export interface Selected {
  selector: Selector;
  implied: readonly FirewallMatch[];
}

const transport = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['sctp', 132],
  ['udplite', 136],
  ['icmp', 1],
  ['icmpv6', 58],
  ['igmp', 2],
  ['esp', 50],
  ['ah', 51],
  ['comp', 108],
]);

const other: Selected = { selector: { of: 'other' }, implied: [] };

export function select(left: Json): Selected {
  const [kind, content] = entry(left) ?? [];
  const key = text(get(content, 'key'));
  switch (kind) {
    case 'payload':
      return payload(content);
    case 'meta':
      return plain(meta(key));
    case 'ct':
      return plain(
        key === 'mark'
          ? { of: 'mark', holder: 'connection', mask: 0xffffffff }
          : key === 'state'
            ? { of: 'state', mask: undefined }
            : key === 'status'
              ? { of: 'status' }
              : undefined,
      );
    case 'socket':
      return plain(key === 'transparent' || key === 'wildcard' ? { of: 'socket', key } : undefined);
    case 'fib':
      return plain(fib(content));
    case '&':
      return masked(content);
    default:
      return other;
  }
}

function plain(selector: Selector | undefined): Selected {
  return selector ? { selector, implied: [] } : other;
}

function meta(key: string | undefined): Selector | undefined {
  switch (key) {
    case 'mark':
      return { of: 'mark', holder: 'packet', mask: 0xffffffff };
    case 'iif':
    case 'iifname':
      return { of: 'interface', side: 'in' };
    case 'oif':
    case 'oifname':
      return { of: 'interface', side: 'out' };
    case 'l4proto':
      return { of: 'protocol' };
    case 'nfproto':
    case 'protocol':
      return { of: 'family' };
    default:
      return undefined;
  }
}

function payload(content: Json): Selected {
  const [protocol, field] = [text(get(content, 'protocol')) ?? '', text(get(content, 'field')) ?? ''];
  if (protocol === 'ip' || protocol === 'ip6') {
    const implied: FirewallMatch[] = [{ match: 'family', not: false, family: protocol === 'ip' ? 4 : 6 }];
    if (field === 'saddr' || field === 'daddr') return { selector: { of: 'address', side: sideOf(field) }, implied };
    if (field === 'frag-off' && protocol === 'ip') return { selector: { of: 'fragment-offset', masked: false }, implied };
    return { selector: { of: field === 'protocol' || field === 'nexthdr' ? 'protocol' : 'other' }, implied };
  }
  const number = transport.get(protocol);
  if (field === 'sport' || field === 'dport') {
    const ipProtocols = number === undefined ? undefined : [number];
    // Ports are there only with the right protocol and in no later fragment, also for a comparison that says "not".
    const present: FirewallMatch = {
      match: 'port',
      side: sideOf(field),
      not: false,
      among: [[0, 65535]],
      ...(ipProtocols ? { ipProtocols } : {}),
    };
    return { selector: { of: 'port', side: sideOf(field), ipProtocols }, implied: [present] };
  }
  const implied: FirewallMatch[] = number === undefined ? [] : [{ match: 'protocol', not: false, among: [number] }];
  return { selector: protocol === 'tcp' && field === 'flags' ? { of: 'tcp-flags', mask: undefined } : { of: 'other' }, implied };
}

function sideOf(field: string): Side {
  return field.startsWith('s') ? 'source' : 'destination';
}

function fib(content: Json): Selector | undefined {
  const flags = list(get(content, 'flags')).map(String);
  const result = get(content, 'result');
  const restricted = flags.includes('iif') || flags.includes('oif');
  if (result === 'type') return restricted ? undefined : { of: 'address-type', side: flags.includes('saddr') ? 'source' : 'destination' };
  // nft 1.1 calls it `check` when only existence is asked.
  if (!flags.includes('saddr') || (result !== 'oif' && result !== 'oifname' && result !== 'check')) return undefined;
  return { of: 'reverse-path', loose: !flags.includes('iif'), mark: flags.includes('mark') };
}

function masked(content: Json): Selected {
  const [operand, mask] = list(content);
  const { selector, implied } = select(operand);
  const bits = number(mask) ?? unsigned(text(mask) ?? '');
  if (selector.of === 'mark' && bits !== undefined) return { selector: { ...selector, mask: bits }, implied };
  if (selector.of === 'fragment-offset') return { selector: { of: 'fragment-offset', masked: bits === 0x1fff }, implied };
  if (selector.of === 'tcp-flags') return { selector: { of: 'tcp-flags', mask: flagBits(mask) }, implied };
  if (selector.of === 'state') return { selector: { of: 'state', mask: names(mask) }, implied };
  return { selector: { of: 'other' }, implied };
}

/** Names of a bit list: `"syn"`, `["syn","ack"]`, `{"|": ["syn","ack"]}`. */
export function names(value: Json): readonly string[] {
  const inner = get(value, '|');
  if (inner !== undefined) return list(inner).flatMap(names);
  return list(value).map(String);
}

export function flagBits(value: Json): number | undefined {
  return tcpFlagBits(names(value));
}

/** A selector as the field of a set. */
export function fieldOf(selector: Selector): SetField {
  switch (selector.of) {
    case 'address':
      return `${selector.side}-address`;
    case 'port':
      return `${selector.side}-port`;
    case 'protocol':
      return 'protocol';
    case 'interface':
      return `${selector.side}-interface`;
    case 'mark':
      return selector.holder === 'packet' && selector.mask === 0xffffffff ? 'mark' : 'other';
    default:
      return 'other';
  }
}
