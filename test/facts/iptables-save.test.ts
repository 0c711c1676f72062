import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIptablesSave } from '../../src/facts/netfilter/iptables-save.js';
import type { FirewallTable } from '../../src/types.js';
import { allRules, fixture, ruleWith, unknownSteps } from './firewall-fixtures.js';

const releases = ['debian11', 'debian12', 'debian13'] as const;
const read = (name: string): FirewallTable[] =>
  parseIptablesSave(fixture(name), {
    source: name.includes('legacy') ? 'iptables-legacy' : 'iptables-nft',
    family: name.includes('ip6') ? 6 : 4,
  });
const rule = (line: string) => {
  const [table] = parseIptablesSave(`*mangle\n:PREROUTING ACCEPT [0:0]\n:user - [0:0]\n[3:99] ${line}\nCOMMIT\n`, {
    source: 'iptables-legacy',
    family: 4,
  });
  const found = table?.chains[0]?.rules[0];
  if (!found) throw new Error('no rule');
  return found;
};
const steps = (line: string) => rule(`-A PREROUTING ${line}`).steps;

describe.each(releases)('%s', (release) => {
  test('both back ends give the same rules', () => {
    const [legacy, nft] = [read(`${release}.iptables-legacy.txt`), read(`${release}.iptables-nft.txt`)];
    const named = (tables: FirewallTable[]) =>
      new Map(
        tables
          .filter(({ name }) => name !== 'security')
          .map(({ name, chains }) => [name, chains.map((chain) => ({ ...chain, rules: chain.rules.map((entry) => entry.steps) }))]),
      );
    expect([...named(nft)].sort()).toEqual([...named(legacy)].sort());
  });

  test('hooks and priorities are those that the kernel gives to the tables', () => {
    const base = Object.fromEntries(
      read(`${release}.iptables-nft.txt`).flatMap(({ name, chains }) => chains.map((chain) => [`${name} ${chain.name}`, chain.base])),
    );
    expect(base['raw PREROUTING']).toEqual({ hook: 'prerouting', priority: -300, type: 'filter' });
    expect(base['mangle OUTPUT']).toEqual({ hook: 'output', priority: -150, type: 'route' });
    expect(base['nat PREROUTING']).toEqual({ hook: 'prerouting', priority: -100, type: 'nat' });
    expect(base['nat POSTROUTING']).toEqual({ hook: 'postrouting', priority: 100, type: 'nat' });
    expect(base['filter INPUT']).toEqual({ hook: 'input', priority: 0, type: 'filter' });
    expect(base['security INPUT']).toEqual({ hook: 'input', priority: 50, type: 'filter' });
    expect(base['mangle DIVERT']).toBeUndefined();
  });

  test('a comment that looks like an option stays a comment', () => {
    expect(ruleWith(read(`${release}.iptables-nft.txt`), '--validmark').steps).toEqual([
      { match: 'reverse-path', not: false, loose: false, mark: true },
    ]);
  });
});

test('only matches that nothing on this host can answer are unknown', () => {
  const unknown = allRules(read('debian12.iptables-legacy.txt'))
    .flatMap(unknownSteps)
    .map(({ text }) => text.split(' ').slice(0, 2).join(' '));
  expect([...new Set(unknown)].sort()).toEqual(
    [
      '-f',
      '-m addrtype',
      '-m hashlimit',
      '-m icmp',
      '-m length',
      '-m limit',
      '-m mac',
      '-m owner',
      '-m physdev',
      '-m pkttype',
      '-m recent',
      '-m statistic',
      '-m string',
      '-m tcp',
      '-m time',
      '-m ttl',
      '-m u32',
    ].sort(),
  );
});

test('policy, counters and the text without counters', () => {
  const [table] = parseIptablesSave('*filter\n:INPUT DROP [7:420]\n[3:99] -A INPUT -s 10.0.0.1/32 -j ACCEPT\n', {
    source: 'iptables-nft',
    family: 4,
  });
  expect(table?.chains[0]).toMatchObject({
    policy: 'drop',
    policyPackets: 7,
    rules: [{ packets: 3, text: '-A INPUT -s 10.0.0.1/32 -j ACCEPT' }],
  });
});

test.each([
  ['-s 172.16.0.0/28', { match: 'address', side: 'source', not: false, among: [['172.16.0.0', '172.16.0.15']] }],
  ['! -d 10.0.0.0/255.255.255.0', { match: 'address', side: 'destination', not: true, among: [['10.0.0.0', '10.0.0.255']] }],
  ['! -i eth+', { match: 'interface', side: 'in', not: true, among: ['eth*'] }],
  ['-p 17', { match: 'protocol', not: false, among: [17] }],
  ['! -p icmp', { match: 'protocol', not: true, among: [1] }],
  ['-m tcp --dport 1024:', { match: 'port', side: 'destination', not: false, among: [[1024, 65535]], ipProtocols: [6] }],
  [
    '-m multiport ! --sports 53,60:70',
    {
      match: 'port',
      side: 'source',
      not: true,
      among: [
        [53, 53],
        [60, 70],
      ],
    },
  ],
  ['-m mark ! --mark 0x10/0xff', { match: 'mark', of: 'packet', not: true, value: 16, mask: 255 }],
  ['-m connmark --mark 0x7', { match: 'mark', of: 'connection', not: false, value: 7, mask: 0xffffffff }],
  ['-m conntrack --ctstate RELATED,ESTABLISHED', { match: 'state', not: false, among: ['related', 'established'] }],
  ['-m state ! --state INVALID', { match: 'state', not: true, among: ['invalid'] }],
  ['-m addrtype ! --dst-type LOCAL', { match: 'address-type', side: 'destination', not: true, among: ['local'] }],
  ['-m socket --transparent', { match: 'socket', transparent: true, not: false }],
  ['-m rpfilter --loose --invert', { match: 'reverse-path', not: true, loose: true }],
  ['-m rt --rt-type 0', { match: 'protocol', not: false, among: [43] }],
  ['-m tcp --syn', { match: 'tcp-flags', not: false, mask: 23, value: 2 }],
  ['-m iprange ! --src-range 10.0.0.5-10.0.0.9', { match: 'address', side: 'source', not: true, among: [['10.0.0.5', '10.0.0.9']] }],
  ['-m set ! --match-set blocked src', { match: 'set', not: true, set: 'blocked', fields: ['source-address'] }],
])('match %s', (text, step) => {
  expect(steps(text)).toEqual([step]);
});

test.each([
  ['-j MARK --set-mark 0x1/0xf', { do: 'mark', value: 1, mask: 15 }],
  ['-j MARK --set-xmark 0x3/0x0', { do: 'mark', value: 3, mask: 0 }],
  ['-j MARK --or-mark 0x10', { do: 'mark', value: 16, mask: 16 }],
  ['-j MARK --and-mark 0xff', { do: 'mark', value: 0, mask: 0xffffff00 }],
  ['-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff', { do: 'restore-mark', mask: 255 }],
  ['-j CONNMARK --save-mark', { do: 'save-mark', mask: 0xffffffff }],
  ['-j CT --notrack', { do: 'notrack' }],
  ['-j TPROXY --on-port 3128 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1', { do: 'tproxy', port: 3128, mark: { value: 1, mask: 1 } }],
  ['-j SNAT --to-source 192.0.2.1', { do: 'snat', to: '192.0.2.1' }],
  ['-j user', { do: 'jump', chain: 'user' }],
  ['-g user', { do: 'goto', chain: 'user' }],
  ['-j LOG --log-prefix "-j DROP "', { do: 'nothing', text: '-j LOG --log-prefix -j DROP ' }],
  ['-j NFQUEUE --queue-num 3', { do: 'unknown', text: '-j NFQUEUE --queue-num 3' }],
])('target %s', (text, step) => {
  expect(steps(text)).toEqual([step]);
});

test('an address of the other family, a mask with holes and a port that is none are unknown, not ignored', () => {
  for (const text of ['-s 2001:db8::1/128', '-s 10.0.0.0/255.0.255.0', '-m udp --dport 70000', '-m mark --mark 0x1/zz']) {
    expect(unknownSteps(rule(`-A PREROUTING ${text} -j DROP`))).toHaveLength(1);
  }
});

test('a prefix of mapped addresses is one of ip6tables', () => {
  const [table] = parseIptablesSave('*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -d ::ffff:0.0.0.0/96 -j DROP\nCOMMIT\n', {
    source: 'iptables-nft',
    family: 6,
  });
  expect(table?.chains[0]?.rules[0]?.steps).toContainEqual({
    match: 'address',
    side: 'destination',
    not: false,
    among: [['0.0.0.0', '255.255.255.255']],
  });
});

test('ip6tables rules are of family 6', () => {
  const tables = read('debian12.ip6tables-nft.txt');
  expect(tables.every(({ family }) => family === 'ip6')).toBe(true);
  expect(ruleWith(tables, '2001:db8:1::').steps[0]).toEqual({
    match: 'address',
    side: 'source',
    not: false,
    among: [['2001:db8:1::', '2001:db8:1:0:ffff:ffff:ffff:ffff']],
  });
});

test('names of objects are no harm as names of chains', () => {
  const [table] = parseIptablesSave('*filter\n:__proto__ - [0:0]\n:constructor - [0:0]\n-A __proto__ -j constructor\n', {
    source: 'iptables-nft',
    family: 4,
  });
  expect(table?.chains.map(({ name, rules }) => [name, rules.length])).toEqual([
    ['__proto__', 1],
    ['constructor', 0],
  ]);
});

const word = fc.constantFrom(
  '-A',
  'INPUT',
  '-s',
  '!',
  '-m',
  'tcp',
  'multiport',
  '--dports',
  '1:2',
  '-j',
  'MARK',
  '--set-xmark',
  '0x1/0x2',
  '"',
  '\\',
  '*filter',
  ':INPUT',
  '--comment',
  '[1:2]',
  '10.0.0.0/8',
  '\n',
  'u32',
);
test('no text makes the parser fail', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word, { maxLength: 60 }).map((words) => words.join(' ')),
      ),
      (text) => {
        const tables = parseIptablesSave(`*mangle\n:INPUT ACCEPT [0:0]\n-A INPUT ${text}`, { source: 'iptables-legacy', family: 4 });
        expect(tables.length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 2000 },
  );
});

test('long lines are read in time that grows with their length', () => {
  const started = performance.now();
  parseIptablesSave(`*filter\n:INPUT ACCEPT\n-A INPUT ${'! -s "'.repeat(50_000)}\n${'['.repeat(200_000)}`, {
    source: 'iptables-legacy',
    family: 4,
  });
  expect(performance.now() - started).toBeLessThan(2000);
});
