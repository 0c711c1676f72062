import fc from 'fast-check';
import type { Pool } from './pool.js';

/** Firewall rules of every back end, as lines of POSIX sh. One that the host's tools refuse is left out. */
export function firewallRules(pool: Pool): fc.Arbitrary<readonly string[]> {
  return fc.oneof({ weight: 4, arbitrary: iptables(pool) }, { weight: 3, arbitrary: nft(pool) });
}

const linkOf = ({ links }: Pool) => fc.constantFrom(...links.map(({ name }) => name));
const not = fc.constantFrom('', '', '', '! ');

/** Places in iptables, with the matches that make sense there. */
const places = [
  { table: 'raw', chain: 'PREROUTING', incoming: true, tracked: false },
  { table: 'mangle', chain: 'PREROUTING', incoming: true, tracked: true },
  { table: 'mangle', chain: 'INPUT', incoming: true, tracked: true },
  { table: 'filter', chain: 'INPUT', incoming: true, tracked: true },
  { table: 'filter', chain: 'FORWARD', incoming: true, tracked: true },
  { table: 'mangle', chain: 'OUTPUT', incoming: false, tracked: true },
  { table: 'filter', chain: 'OUTPUT', incoming: false, tracked: true },
  { table: 'mangle', chain: 'POSTROUTING', incoming: false, tracked: true },
] as const;

const ports = fc.constantFrom(
  '-p tcp --sport 80',
  '-p tcp --dport 80',
  '-p udp --sport 53',
  '-p udp --dport 53',
  '-p tcp -m multiport --ports 80,9000',
  '-p udp -m multiport --dports 53,5300',
  '-p udp --sport 5300',
  '-p tcp',
  '-p icmp',
);
const states = fc.constantFrom('ESTABLISHED', 'NEW', 'RELATED,ESTABLISHED', 'INVALID', 'UNTRACKED', 'NEW,ESTABLISHED');
const common = (prefixes: readonly string[]) =>
  fc.oneof(
    fc.tuple(not, fc.constantFrom('-s', '-d'), fc.constantFrom(...prefixes)).map(([no, side, prefix]) => `${no}${side} ${prefix}`),
    ports,
    not.map((no) => `-m mark ${no}--mark 0x1`),
    fc.constantFrom('-m addrtype --dst-type LOCAL', '-m addrtype ! --dst-type LOCAL', '-m addrtype --src-type UNICAST'),
    fc.constant('-m comment --comment "for a reason"'),
  );

type Place = (typeof places)[number];

function matchAt(pool: Pool, prefixes: readonly string[], { incoming, tracked, chain }: Place): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: common(prefixes) },
    ...(incoming ? [{ weight: 2, arbitrary: fc.tuple(not, linkOf(pool)).map(([no, link]) => `${no}-i ${link}`) }] : []),
    ...(tracked ? [{ weight: 1, arbitrary: states.map((state) => `-m conntrack --ctstate ${state}`) }] : []),
    ...(chain === 'PREROUTING' && tracked ? [{ weight: 1, arbitrary: fc.constant('-m socket --transparent') }] : []),
  );
}

function targetAt(table: string, chain: string): fc.Arbitrary<string> {
  const verdicts = ['ACCEPT', 'ACCEPT', 'DROP', 'DROP', 'DROP', 'RETURN', 'RANDOM'];
  const marks = ['MARK --set-mark 2', 'MARK --set-xmark 0x1/0x1', 'CONNMARK --save-mark', 'CONNMARK --restore-mark'];
  return fc.constantFrom(
    ...verdicts,
    ...(table === 'mangle' ? marks : []),
    ...(table === 'raw' ? ['CT --notrack'] : []),
    ...(table === 'filter' && chain !== 'OUTPUT' ? ['REJECT'] : []),
  );
}

const iptablesRule = (pool: Pool, prefixes: readonly string[]) =>
  fc
    .constantFrom(...places)
    .chain((place) =>
      fc
        .tuple(
          fc.constantFrom('-I', '-A'),
          fc.array(matchAt(pool, prefixes, place), { minLength: 1, maxLength: 3 }),
          targetAt(place.table, place.chain),
        )
        .map(([verb, matches, target]) => `-t ${place.table} ${verb} ${place.chain} ${matches.join(' ')} -j ${target}`),
    );

const chains = ['raw', 'mangle', 'filter'].map((table) => `-t ${table} -N RANDOM`);
const inChain = (prefixes: readonly string[]) =>
  fc
    .tuple(fc.constantFrom('raw', 'mangle', 'filter'), common(prefixes), fc.constantFrom('ACCEPT', 'DROP', 'RETURN'))
    .map(([table, match, target]) => `-t ${table} -A RANDOM ${match} -j ${target}`);

const iptables = (pool: Pool) =>
  fc.constantFrom('iptables-nft', 'iptables-nft', 'iptables-legacy', 'ip6tables-nft').chain((tool) => {
    const prefixes = tool.startsWith('ip6') ? pool.sixth : pool.fourth;
    return fc
      .tuple(
        fc.array(inChain(prefixes), { maxLength: 2 }),
        fc.array(iptablesRule(pool, prefixes), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', '', '', '-P FORWARD DROP', '-P INPUT DROP'),
      )
      .map(([inner, outer, policy]) =>
        [...chains, ...inner, ...outer, ...(policy === '' ? [] : [policy])].map((words) => `${tool} ${words} 2>/dev/null || true`),
      );
  });

const nftMatches = [
  'tcp sport 80',
  'th dport { 53, 5300 }',
  'udp sport 53',
  'meta l4proto tcp',
  'meta mark 0x1',
  'meta mark and 0x1 == 0x0',
  'ct state established,related',
  'ct state new',
  'ct state invalid',
  'fib daddr type local',
  'fib daddr type != local',
  'fib saddr . iif oif eq 0',
];
const nftMatch = (pool: Pool) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...nftMatches) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom('saddr', 'daddr', 'daddr !='), fc.constantFrom(...pool.fourth, ...pool.sixth))
        .map(([side, prefix]) => `${prefix.includes(':') ? 'ip6' : 'ip'} ${side} ${prefix}`),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('', '!= '), linkOf(pool)).map(([no, link]) => `iifname ${no}"${link}"`) },
  );
const nftVerdict = fc.constantFrom('accept', 'drop', 'drop', 'return', 'jump other', 'meta mark set 0x2', 'counter');
const nftRule = (pool: Pool) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.array(nftMatch(pool), { minLength: 1, maxLength: 2 }), nftVerdict)
        .map(([matches, verdict]) => `${matches.join(' ')} ${verdict}`),
    },
    {
      weight: 1,
      arbitrary: fc.oneof(
        fc.constantFrom('ip protocol vmap { tcp : accept, udp : jump other }', 'tcp dport vmap { 80 : drop, 9000 : accept }'),
        fc.constantFrom(...pool.fourth).map((prefix) => `meta mark set ip saddr map { ${prefix.replace(/\/.*/, '')} : 0x1 }`),
      ),
    },
  );
const hooks = fc.constantFrom<[hook: string, priority: number]>(
  ['prerouting', -310],
  ['prerouting', -160],
  ['prerouting', -140],
  ['input', 0],
  ['input', 10],
  ['forward', 5],
  ['output', 0],
  ['postrouting', 0],
);
const nft = (pool: Pool) =>
  fc
    .tuple(
      hooks,
      fc.array(nftRule(pool), { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(nftMatch(pool), fc.constantFrom('accept', 'drop')), { maxLength: 2 }),
    )
    .map(([[hook, priority], rules, other]) => [
      `nft 'add table inet dice; add chain inet dice other; add chain inet dice ${hook}${Math.abs(priority)} { type filter hook ${hook} priority ${priority}; }'`,
      ...other.map(([match, verdict]) => `nft 'add rule inet dice other ${match} ${verdict}' 2>/dev/null || true`),
      ...rules.map((rule) => `nft 'add rule inet dice ${hook}${Math.abs(priority)} ${rule}' 2>/dev/null || true`),
    ]);
