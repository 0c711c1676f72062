import fc from 'fast-check';
import type { Packet } from '../../../src/types.js';
import { inLink, receivers, senders } from './lab.js';

/** A rule as data, to be written in either language. */
interface Rule {
  matches: readonly Match[];
  action: Action;
}

type Match =
  | { of: 'source' | 'destination'; not: boolean; prefix: string }
  | { of: 'range'; not: boolean; first: string; last: string }
  | { of: 'ports'; protocol: 'udp' | 'tcp'; side: 's' | 'd'; not: boolean; ports: readonly (readonly [number, number])[] }
  | { of: 'protocol'; not: boolean; protocol: 'udp' | 'tcp' }
  | { of: 'mark'; not: boolean; value: number; mask: number }
  | { of: 'link'; not: boolean; name: string };

type Action = 'accept' | 'drop' | 'return' | 'nothing' | { jump: string } | { goto: string } | { mark: { value: number; mask: number } };

/** Rules of one table: a base chain and two others that it may visit. */
export interface RandomTable {
  base: readonly Rule[];
  one: readonly Rule[];
  two: readonly Rule[];
  policy: 'accept' | 'drop';
}

const prefix = fc.constantFrom(
  '10.77.0.0/24',
  '10.77.0.0/30',
  '10.77.0.1/32',
  '10.77.0.2/32',
  '10.77.0.8/29',
  '10.77.0.65/32',
  '10.77.0.64/26',
  '0.0.0.0/0',
);
const portRanges: readonly (readonly [number, number])[] = [
  [53, 53],
  [80, 80],
  [443, 443],
  [1000, 2000],
  [5353, 5353],
  [4000, 65535],
  [7, 9],
];
const ports = fc.uniqueArray(fc.constantFrom(...portRanges), { minLength: 1, maxLength: 3, selector: ([low]) => low });
const not = fc.constantFrom(false, false, false, true);
const bits = fc.integer({ min: 0, max: 7 });

const match: fc.Arbitrary<Match> = fc.oneof(
  fc.record({ of: fc.constantFrom('source' as const, 'destination' as const), not, prefix }),
  fc.record({ of: fc.constant('range' as const), not, first: fc.constant('10.77.0.2'), last: fc.constantFrom('10.77.0.5', '10.77.0.6') }),
  fc.record({
    of: fc.constant('ports' as const),
    protocol: fc.constantFrom('udp' as const, 'tcp' as const),
    side: fc.constantFrom('s' as const, 'd' as const),
    not,
    ports,
  }),
  fc.record({ of: fc.constant('protocol' as const), not, protocol: fc.constantFrom('udp' as const, 'tcp' as const) }),
  fc
    .record({ of: fc.constant('mark' as const), not, value: bits, mask: fc.constantFrom(7, 3, 1, 0xffffffff) })
    .map((mark) => ({ ...mark, value: mark.value & mark.mask })),
  fc.record({ of: fc.constant('link' as const), not, name: fc.constantFrom(inLink, 'veth*', 'eth0') }),
);

function rule(targets: readonly string[], marks: boolean): fc.Arbitrary<Rule> {
  const visits: Action[] = targets.flatMap((chain): Action[] => [{ jump: chain }, { jump: chain }, { goto: chain }]);
  const mark = fc.record({ mark: fc.record({ value: bits, mask: fc.constantFrom(0, 7, 3, 0xffffffff) }) });
  const verdict = fc.constantFrom<Action[]>('accept', 'drop', 'return', 'nothing', ...visits);
  return fc
    .record({ matches: fc.array(match, { maxLength: 3 }), action: marks ? fc.oneof(mark, mark, verdict) : verdict })
    .map(distinctMatches);
}

/** iptables takes each kind once; a port match is all the protocol match there is. */
function distinctMatches({ matches, action }: Rule): Rule {
  const kindOf = ({ of }: Match) => (of === 'protocol' ? 'ports' : of);
  return { matches: matches.filter((entry, index) => matches.findIndex((other) => kindOf(other) === kindOf(entry)) === index), action };
}

export function randomTable(marks: boolean): fc.Arbitrary<RandomTable> {
  const chain = (targets: readonly string[], maxLength: number) => fc.array(rule(targets, marks), { minLength: 1, maxLength });
  return fc.record({
    base: chain(['one', 'two'], 6),
    one: chain(['two'], 4),
    two: chain([], 3),
    policy: marks ? fc.constant('accept') : fc.constantFrom('accept', 'drop'),
  });
}

export function packets(seed: number, count: number): Packet[] {
  const shape = fc.record({
    source: fc.constantFrom(...senders),
    destination: fc.constantFrom(...receivers),
    protocol: fc.constantFrom(6, 17),
    sourcePort: fc.constantFrom(1053, 4001, 5353, 1999, 30_000),
    destinationPort: fc.constantFrom(53, 80, 443, 8, 1500, 5353),
  });
  const unique = fc.uniqueArray(shape, {
    minLength: count,
    maxLength: count,
    selector: ({ source, sourcePort, protocol }) => `${source} ${sourcePort} ${protocol}`,
  });
  const [sample = []] = fc.sample(unique, { seed, numRuns: 1 });
  return sample.map((packet) => ({ family: 4, mark: 0, ...(packet.protocol === 6 ? { tcpFlags: 2 } : {}), ...packet }));
}

const hex = (value: number) => `0x${value.toString(16)}`;

/** One table in the language of iptables-restore. */
export function asIptables(table: 'mangle' | 'filter', { base, one, two, policy }: RandomTable): string {
  const chain = table === 'mangle' ? 'PREROUTING' : 'INPUT';
  const lines = (name: string, rules: readonly Rule[]) => rules.map((entry) => `-A ${name} ${iptablesRule(entry)}`);
  return [
    `*${table}`,
    `:${chain} ${policy.toUpperCase()} [0:0]`,
    ':one - [0:0]',
    ':two - [0:0]',
    ...lines(chain, base),
    ...lines('one', one),
    ...lines('two', two),
    'COMMIT',
    '',
  ].join('\n');
}

function iptablesRule({ matches, action }: Rule): string {
  return [...matches.map(iptablesMatch), iptablesAction(action)].join(' ');
}

function iptablesMatch(entry: Match): string {
  const sign = entry.not ? '! ' : '';
  switch (entry.of) {
    case 'source':
    case 'destination':
      return entry.prefix === '0.0.0.0/0' ? '' : `${sign}-${entry.of === 'source' ? 's' : 'd'} ${entry.prefix}`;
    case 'range':
      return `-m iprange ${sign}--src-range ${entry.first}-${entry.last}`;
    case 'ports': {
      const list = entry.ports.map(([low, high]) => (low === high ? `${low}` : `${low}:${high}`));
      return list.length === 1
        ? `-p ${entry.protocol} -m ${entry.protocol} ${sign}--${entry.side}port ${list[0]}`
        : `-p ${entry.protocol} -m multiport ${sign}--${entry.side}ports ${list.join(',')}`;
    }
    case 'protocol':
      return `${sign}-p ${entry.protocol}`;
    case 'mark':
      return `-m mark ${sign}--mark ${hex(entry.value)}/${hex(entry.mask)}`;
    case 'link':
      return `${sign}-i ${entry.name.replace('*', '+')}`;
  }
}

function iptablesAction(action: Action): string {
  if (action === 'nothing') return '-m comment --comment "a \\"b\\" -j DROP"';
  if (typeof action === 'string') return `-j ${action.toUpperCase()}`;
  if ('jump' in action) return `-j ${action.jump}`;
  return 'goto' in action ? `-g ${action.goto}` : `-j MARK --set-xmark ${hex(action.mark.value)}/${hex(action.mark.mask)}`;
}

/** One table in nft's language. `first` as a verdict map, to have those too. */
export function asNft(name: string, hook: string, { base, one, two, policy }: RandomTable): string {
  const lines = (rules: readonly Rule[]) => rules.map((entry) => `    ${nftRule(entry)}`);
  return [
    `table inet ${name} {`,
    '  set near { type ipv4_addr; flags interval; elements = { 10.77.0.0/30, 10.77.0.65 } }',
    '  map ways { type inet_service : verdict; elements = { 53 : jump one, 443 : return, 5353 : goto two } }',
    '  chain two {',
    ...lines(two),
    '  }',
    '  chain one {',
    ...lines(one),
    '  }',
    '  chain base {',
    `    type filter hook ${hook}; policy ${policy};`,
    ...lines(base),
    '    udp dport vmap @ways',
    '    ip saddr @near tcp sport vmap { 1000-2000 : jump one, 4001 : accept }',
    '    ip saddr . udp dport { 10.77.0.1 . 53, 10.77.0.2 . 80 } jump two',
    '  }',
    '}',
    '',
  ].join('\n');
}

function nftRule({ matches, action }: Rule): string {
  return [...matches.map(nftMatch), 'counter', nftAction(action)].join(' ');
}

function nftMatch(entry: Match): string {
  const sign = entry.not ? '!= ' : '';
  switch (entry.of) {
    case 'source':
    case 'destination':
      return entry.prefix === '0.0.0.0/0' ? '' : `ip ${entry.of === 'source' ? 'saddr' : 'daddr'} ${sign}${entry.prefix}`;
    case 'range':
      return `ip saddr ${sign}${entry.first}-${entry.last}`;
    case 'ports': {
      const list = entry.ports.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`));
      return `${entry.protocol} ${entry.side}port ${sign}${list.length === 1 ? list[0] : `{ ${nonOverlapping(entry.ports).join(', ')} }`}`;
    }
    case 'protocol':
      return `meta l4proto ${sign}${entry.protocol}`;
    case 'mark':
      return entry.mask === 0xffffffff
        ? `meta mark ${sign}${hex(entry.value)}`
        : `meta mark & ${hex(entry.mask)} ${entry.not ? '!=' : '=='} ${hex(entry.value)}`;
    case 'link':
      return `iifname ${sign}"${entry.name}"`;
  }
}

/** nft refuses sets whose intervals overlap. */
function nonOverlapping(list: readonly (readonly [number, number])[]): string[] {
  const inner = list.filter(([low, high]) => !list.some(([a, b]) => (a !== low || b !== high) && a <= low && b >= high));
  return inner.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`));
}

function nftAction(action: Action): string {
  if (action === 'nothing') return 'comment "drop"';
  if (typeof action === 'string') return action;
  if ('jump' in action) return `jump ${action.jump}`;
  if ('goto' in action) return `goto ${action.goto}`;
  const { value, mask } = action.mark;
  return mask === 0xffffffff ? `meta mark set ${hex(value)}` : `meta mark set meta mark & ${hex(~mask >>> 0)} ^ ${hex(value)}`;
}
