import { isAddress } from '../../net/address.js';
import { parsePrefix, rangeOf } from '../../net/prefix.js';
import type { AddressRange, ConnectionState, Family, FirewallAction, FirewallMatch } from '../../types.js';
import { optionText, type RuleOption } from './iptables-words.js';
import { portRange, protocolNumber, tcpFlagBits, unsigned } from './names.js';

const states = new Set<string>(['new', 'established', 'related', 'invalid', 'untracked', 'snat', 'dnat']);
const portProtocols = new Map([
  ['tcp', [6]],
  ['udp', [17]],
  ['udplite', [136]],
  ['sctp', [132]],
  ['dccp', [33]],
]);

/** The matches that stand outside any module: addresses, interfaces, protocol, fragments. */
export function generalMatches(options: readonly RuleOption[], family: Family): FirewallMatch[] {
  return options.map((option) => generalMatch(option, family) ?? unknownMatch([option]));
}

function generalMatch({ name, not, args }: RuleOption, family: Family): FirewallMatch | undefined {
  const [value = ''] = args;
  switch (name) {
    case '-s':
    case '-d': {
      const range = addressRange(value, family);
      return range && { match: 'address', side: name === '-s' ? 'source' : 'destination', not, among: [range] };
    }
    case '-i':
    case '-o':
      // Only a trailing plus is a wildcard (xtables: parse_ifname); a bare one takes every interface.
      return { match: 'interface', side: name === '-i' ? 'in' : 'out', not, among: [value.replace(/\+$/, '*')] };
    case '-p': {
      if (value === 'all' || value === '0') return { match: 'family', not: false, family };
      const number = protocolNumber(value);
      return number === undefined ? undefined : { match: 'protocol', not, among: [number] };
    }
    case '-4':
    case '-6':
      return { match: 'family', not: false, family: name === '-4' ? 4 : 6 };
    default:
      return undefined;
  }
}

/** `a/len`, `a/m.m.m.m`; a mask with holes is no range. */
function addressRange(text: string, family: Family): AddressRange | undefined {
  const [address = '', mask] = text.split('/');
  const prefix = mask !== undefined && isAddress(mask) ? withMask(address, mask) : text;
  // By its form: a mapped address is one of ip6tables, although it counts as IPv4 and no packet of IPv6 bears it.
  return prefix !== undefined && prefix.includes(':') === (family === 6) ? rangeOf(prefix) : undefined;
}

function withMask(address: string, mask: string): string | undefined {
  if (mask.includes(':')) return undefined;
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) ? `${address}/${bits.replaceAll('0', '').length}` : undefined;
}

/** The matches of one module, `-m NAME` with its options. What is not evaluated becomes one unknown match. */
export function moduleMatches(module: string, options: readonly RuleOption[], family: Family): (FirewallMatch | FirewallAction)[] {
  const unknown = () => [unknownMatch(options, module)];
  if (module === 'comment') return [];
  const each = (read: (option: RuleOption) => FirewallMatch | undefined) => {
    const matches = options.map(read);
    return matches.every((match) => match !== undefined) ? matches : unknown();
  };
  switch (module) {
    case 'tcp':
    case 'udp':
    case 'sctp':
    case 'dccp':
    case 'udplite':
      return options.map(
        (option) => portMatch(option, portProtocols.get(module) ?? []) ?? tcpMatch(option) ?? unknownMatch([option], module),
      );
    case 'multiport':
      return each(multiportMatch);
    case 'mark':
    case 'connmark':
      return each(({ args: [value = ''], not }) => markMatch(value, not, module === 'mark' ? 'packet' : 'connection'));
    case 'conntrack':
    case 'state':
      return options.map((option) => stateMatch(option) ?? unknownMatch([option], module));
    case 'addrtype':
      return each(addressTypeMatch);
    case 'iprange':
      return each((option) => rangeMatch(option, family));
    case 'set':
      return options.some(({ name }) => name !== '--match-set') ? unknown() : each(setMatch);
    case 'socket':
      return options.some(({ name }) => name === '--restore-skmark')
        ? [socketMatch(options), { do: 'unknown', text: '-m socket --restore-skmark' }]
        : [socketMatch(options)];
    case 'rpfilter':
      return [reversePathMatch(options)];
    case 'rt':
      // Only packets with a routing header can match, whatever the options say (rt_mt6()), and those that are followed have none.
      return [{ match: 'protocol', not: false, among: [43] }];
    case 'icmp':
    case 'icmp6':
    case 'icmpv6':
      return options.some(({ args: [type], not }) => type === 'any' && !not) ? [] : unknown();
    default:
      return unknown();
  }
}

function portMatch({ name, not, args: [value = ''] }: RuleOption, ipProtocols: readonly number[]): FirewallMatch | undefined {
  const side = new Map([
    ['--sport', 'source'],
    ['--source-port', 'source'],
    ['--dport', 'destination'],
    ['--destination-port', 'destination'],
  ] as const).get(name as '--sport');
  const range = portRange(value, ':');
  return side && range ? { match: 'port', side, not, among: [range], ipProtocols } : undefined;
}

function tcpMatch({ name, not, args }: RuleOption): FirewallMatch | undefined {
  if (name === '--syn') return { match: 'tcp-flags', not, mask: 23, value: 2 };
  if (name !== '--tcp-flags') return undefined;
  const [mask, value] = args.map((list) => tcpFlagBits(list.split(',')));
  return mask === undefined || value === undefined ? undefined : { match: 'tcp-flags', not, mask, value };
}

function multiportMatch({ name, not, args: [list = ''] }: RuleOption): FirewallMatch | undefined {
  const side = /^--(?:sports|source-ports)$/.test(name)
    ? 'source'
    : /^--(?:dports|destination-ports)$/.test(name)
      ? 'destination'
      : name === '--ports'
        ? 'either'
        : undefined;
  const among = list.split(',').map((item) => portRange(item, ':'));
  return side && among.every((range) => range !== undefined) ? { match: 'port', side, not, among } : undefined;
}

function markMatch(text: string, not: boolean, of: 'packet' | 'connection'): FirewallMatch | undefined {
  const mark = valueAndMask(text);
  return mark && { match: 'mark', of, not, ...mark };
}

/** `value` or `value/mask`; without a mask all bits count. */
export function valueAndMask(text: string): { value: number; mask: number } | undefined {
  const [value, mask, ...rest] = text.split('/').map((part) => unsigned(part));
  if (value === undefined || rest.length > 0) return undefined;
  if (!text.includes('/')) return { value, mask: 0xffffffff };
  return mask === undefined ? undefined : { value, mask };
}

function stateMatch({ name, not, args: [list = ''] }: RuleOption): FirewallMatch | undefined {
  if (name !== '--ctstate' && name !== '--state') return undefined;
  const among = list.toLowerCase().split(',');
  return among.every(isState) ? { match: 'state', not, among } : undefined;
}

export function isState(text: string): text is ConnectionState {
  return states.has(text);
}

function addressTypeMatch({ name, not, args: [list = ''] }: RuleOption): FirewallMatch | undefined {
  // --limit-iface-in and -out ask for the type on one interface, which no routing look-up of ours answers.
  const side = name === '--src-type' ? 'source' : name === '--dst-type' ? 'destination' : undefined;
  return side && { match: 'address-type', side, not, among: list.toLowerCase().split(',') };
}

function rangeMatch({ name, not, args: [text = ''] }: RuleOption, family: Family): FirewallMatch | undefined {
  const side = name === '--src-range' ? 'source' : name === '--dst-range' ? 'destination' : undefined;
  const [first = '', last = first] = text.split('-');
  const valid = [first, last].every((address) => parsePrefix(address)?.family === family && isAddress(address));
  return side && valid ? { match: 'address', side, not, among: [[first, last]] } : undefined;
}

function setMatch({ not, args: [set = '', directions = ''] }: RuleOption): FirewallMatch {
  // The types of an ipset's dimensions are not in this text, and neither are its elements: the evaluator cannot tell.
  const fields = directions.split(',').map((direction, index) => {
    if (index > 0) return 'other' as const;
    return direction === 'src' ? ('source-address' as const) : ('destination-address' as const);
  });
  return { match: 'set', not, set, fields };
}

function socketMatch(options: readonly RuleOption[]): FirewallMatch {
  return { match: 'socket', transparent: options.some(({ name }) => name === '--transparent'), not: false };
}

function reversePathMatch(options: readonly RuleOption[]): FirewallMatch {
  const has = (wanted: string) => options.some(({ name }) => name === wanted);
  return { match: 'reverse-path', not: has('--invert'), loose: has('--loose'), ...(has('--validmark') ? { mark: true as const } : {}) };
}

function unknownMatch(options: readonly RuleOption[], module?: string): FirewallMatch {
  return { match: 'unknown', text: [...(module === undefined ? [] : [`-m ${module}`]), ...options.map(optionText)].join(' ') };
}
