import fc from 'fast-check';

/** What one round adds to a host, as POSIX sh. A rule that the host's tools refuse is left out. */
export type Round = readonly string[];

const subnets = ['172.16.0.0/28', '172.16.0.12', '172.16.0.10/31', '192.168.99.0/24', '192.168.99.50', '10.0.0.0/8'] as const;
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
const common = fc.oneof(
  fc.tuple(not, fc.constantFrom('-s', '-d'), fc.constantFrom(...subnets)).map(([no, side, subnet]) => `${no}${side} ${subnet}`),
  ports,
  not.map((no) => `-m mark ${no}--mark 0x1`),
  fc.constantFrom('-m addrtype --dst-type LOCAL', '-m addrtype ! --dst-type LOCAL', '-m addrtype --src-type UNICAST'),
  fc.constant('-m comment --comment "for a reason"'),
);

function matchAt({ incoming, tracked, chain }: (typeof places)[number]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: common },
    ...(incoming ? [{ weight: 2, arbitrary: fc.tuple(not, fc.constantFrom('eth0', 'eth1')).map(([no, link]) => `${no}-i ${link}`) }] : []),
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

const iptablesRule = fc
  .constantFrom(...places)
  .chain((place) =>
    fc
      .tuple(fc.constantFrom('-I', '-A'), fc.array(matchAt(place), { minLength: 1, maxLength: 3 }), targetAt(place.table, place.chain))
      .map(([verb, matches, target]) => `-t ${place.table} ${verb} ${place.chain} ${matches.join(' ')} -j ${target}`),
  );

const chains = ['raw', 'mangle', 'filter'].map((table) => `-t ${table} -N RANDOM`);
const inChain = fc
  .tuple(fc.constantFrom('raw', 'mangle', 'filter'), common, fc.constantFrom('ACCEPT', 'DROP', 'RETURN'))
  .map(([table, match, target]) => `-t ${table} -A RANDOM ${match} -j ${target}`);

const iptables = fc
  .tuple(
    fc.constantFrom('iptables-nft', 'iptables-nft', 'iptables-legacy'),
    fc.array(inChain, { maxLength: 2 }),
    fc.array(iptablesRule, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '', '-P FORWARD DROP', '-P INPUT DROP'),
  )
  .map(([tool, inner, outer, policy]) =>
    [...chains, ...inner, ...outer, ...(policy === '' ? [] : [policy])].map((words) => `${tool} ${words} 2>/dev/null || true`),
  );

const nftMatch = fc.constantFrom(
  'ip saddr 172.16.0.0/28',
  'ip saddr { 172.16.0.12, 172.16.0.14 }',
  'ip daddr 192.168.99.50',
  'ip daddr != 192.168.99.0/24',
  'tcp sport 80',
  'th dport { 53, 5300 }',
  'udp sport 53',
  'meta l4proto tcp',
  'meta mark 0x1',
  'meta mark and 0x1 == 0x0',
  'ct state established,related',
  'ct state new',
  'ct state invalid',
  'iifname "eth1"',
  'iifname != "eth0"',
  'fib daddr type local',
  'fib daddr type != local',
  'fib saddr . iif oif eq 0',
);
const nftVerdict = fc.constantFrom('accept', 'drop', 'drop', 'return', 'jump other', 'meta mark set 0x2', 'counter');
const nftRule = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.array(nftMatch, { minLength: 1, maxLength: 2 }), nftVerdict).map(([m, v]) => `${m.join(' ')} ${v}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'ip protocol vmap { tcp : accept, udp : jump other }',
      'tcp dport vmap { 80 : drop, 9000 : accept }',
      'meta mark set ip saddr map { 172.16.0.11 : 0x1, 172.16.0.12 : 0x2 }',
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
const nft = fc
  .tuple(
    hooks,
    fc.array(nftRule, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(nftMatch, fc.constantFrom('accept', 'drop')), { maxLength: 2 }),
  )
  .map(([[hook, priority], rules, other]) => [
    `nft 'add table inet dice; add chain inet dice other; add chain inet dice ${hook}${Math.abs(priority)} { type filter hook ${hook} priority ${priority}; }'`,
    ...other.map(([match, verdict]) => `nft 'add rule inet dice other ${match} ${verdict}' 2>/dev/null || true`),
    ...rules.map((rule) => `nft 'add rule inet dice ${hook}${Math.abs(priority)} ${rule}' 2>/dev/null || true`),
  ]);

const sysctl = fc
  .tuple(fc.constantFrom('rp_filter', 'accept_local', 'src_valid_mark'), fc.constantFrom('all', 'eth0', 'eth1'), fc.nat({ max: 2 }))
  .map(([name, link, value]) => [`echo ${name === 'rp_filter' ? value : Math.min(value, 1)} > /proc/sys/net/ipv4/conf/${link}/${name}`]);

/** What a round does to nginx's host, or to an upstream, whose one link is eth0. */
export const round: fc.Arbitrary<Round> = fc
  .array(fc.oneof({ weight: 4, arbitrary: iptables }, { weight: 3, arbitrary: nft }, { weight: 1, arbitrary: sysctl }), {
    minLength: 1,
    maxLength: 2,
  })
  .map((parts) => parts.flat());
