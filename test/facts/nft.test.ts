import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from '../../src/facts/nft.js';
import { fixture, ruleWith, unknownSteps } from './firewall-fixtures.js';

const ipv4 = { match: 'family', not: false, family: 4 };

describe.each(['debian11', 'debian12', 'debian13'])('%s', (release) => {
  const tables = parse(fixture(`${release}.nft.json`));
  const steps = (text: string) => ruleWith(tables, text).steps;

  test('tables, hooks, priorities and policies', () => {
    expect(tables.map(({ family, name }) => `${family} ${name}`)).toEqual([
      'ip dsr',
      'inet fw',
      'netdev nd',
      'ip6 six',
      'arp a',
      'bridge br',
    ]);
    const chains = tables[0]?.chains ?? [];
    expect(chains.map(({ base, policy }) => [base?.hook, base?.priority, policy])).toEqual([
      ['prerouting', -300, 'accept'],
      ['postrouting', 110, 'accept'],
      [undefined, undefined, undefined],
      ['input', 0, 'drop'],
    ]);
  });

  test('stateless rewriting, with notrack and without', () => {
    expect(steps('notrack comment').at(-1)).toEqual({ do: 'notrack' });
    expect(steps('ip saddr 172.16.0.11 udp sport 53 ip saddr set')).toEqual([
      { match: 'interface', side: 'out', not: false, among: ['eth0'] },
      ipv4,
      { match: 'address', side: 'source', not: false, among: [['172.16.0.11', '172.16.0.11']] },
      { match: 'port', side: 'source', not: false, among: [[53, 53]], ipProtocols: [17] },
      ipv4,
      { do: 'rewrite', field: 'source-address', to: '192.168.99.10' },
    ]);
  });

  test('a map from old to new address, named or not, is one rewrite', () => {
    const map = { '172.16.0.11': '192.168.99.10', '172.16.0.12': '192.168.99.11' };
    for (const text of ['map @vips', 'map { 172.16.0.11'])
      expect(steps(text).at(-1)).toEqual({ do: 'rewrite', field: 'source-address', map });
  });

  test('verdict maps are spelled out, one rule for each element', () => {
    const rules = tables[0]?.chains[3]?.rules.filter(({ text }) => text === 'udp dport vmap @verd') ?? [];
    expect(rules.map((rule) => rule.steps.at(-1))).toEqual([{ do: 'drop' }, { do: 'jump', chain: 'sub' }, { do: 'accept' }]);
  });

  test('named sets: prefixes, ranges, concatenations, elements with a timeout or counter', () => {
    const sets = tables[0]?.sets ?? {};
    expect(sets.upstreams?.map(({ key }) => key[0])).toEqual([
      ['172.16.0.0', '172.16.0.15'],
      ['172.16.1.5', '172.16.1.5'],
      ['172.16.2.1', '172.16.2.9'],
    ]);
    expect(sets.cpairs?.[0]?.key).toEqual([
      ['172.16.0.0', '172.16.0.255'],
      [17, 17],
      [50, 60],
    ]);
    expect([sets.dyn, sets.cnt, sets.empty].map((set) => set?.length)).toEqual([1, 1, 0]);
  });

  test.each([
    ['meta mark set meta mark & 0xffffff02 | 0x2', [{ do: 'mark', value: 2, mask: 0xff }]],
    ['meta mark set meta mark ^ 0xff', [{ do: 'mark', value: 255, mask: 0 }]],
    [
      'meta mark != 0x5 meta mark set ct mark',
      [
        { match: 'mark', of: 'packet', not: true, value: 5, mask: 0xffffffff },
        { do: 'restore-mark', mask: 0xffffffff },
      ],
    ],
    [
      'meta mark set ct mark & 0xff',
      [
        { do: 'mark', value: 0, mask: 0xffffff00 },
        { do: 'restore-mark', mask: 255 },
      ],
    ],
    ['ct state established,new', [{ match: 'state', not: false, among: ['established', 'new'] }, { do: 'accept' }]],
    ['ct state != { established, related }', [{ match: 'state', not: true, among: ['established', 'related'] }, { do: 'drop' }]],
    [
      'tcp flags syn accept',
      [{ match: 'protocol', not: false, among: [6] }, { match: 'tcp-flags', not: true, mask: 2, value: 0 }, { do: 'accept' }],
    ],
    ['fib daddr type local', [{ match: 'address-type', side: 'destination', not: false, among: ['local'] }, { do: 'accept' }]],
    ['fib saddr . iif oif missing', [{ match: 'reverse-path', not: true, loose: false }, { do: 'drop' }]],
    ['fib saddr . mark . iif oif missing', [{ match: 'reverse-path', not: true, loose: false, mark: true }, { do: 'drop' }]],
    ['fib saddr oif 0', [{ match: 'reverse-path', not: true, loose: true }, { do: 'drop' }]],
    ['tcp dport >= 1024', [{ match: 'port', side: 'destination', not: false, among: [[1024, 65535]], ipProtocols: [6] }, { do: 'accept' }]],
    [
      'dnat ip to 172.16.0.11:8443',
      [
        { match: 'port', side: 'destination', not: false, among: [[443, 443]], ipProtocols: [6] },
        ipv4,
        { do: 'dnat', to: '172.16.0.11:8443' },
      ],
    ],
    ['masquerade', [{ match: 'interface', side: 'out', not: false, among: ['eth0'] }, { do: 'masquerade' }]],
    ['ip6 nexthdr != tcp', [{ match: 'family', not: false, family: 6 }, { match: 'protocol', not: true, among: [6] }, { do: 'drop' }]],
    ['ct status dnat', [{ match: 'state', not: false, among: ['dnat'] }, { do: 'accept' }]],
  ])('%s', (text, expected) => {
    expect(steps(text)).toEqual(expected);
  });

  test.each(['meta skuid 33', 'limit rate 5/second', 'ip ttl 5', 'meta iifkind', 'icmp type echo-request', 'numgen'])(
    '%s is unknown',
    (text) => {
      expect(unknownSteps(ruleWith(tables, text))).toHaveLength(1);
    },
  );
});

test('rules of iptables seen through nft are unknown where nft cannot print their matches', () => {
  const tables = parse(fixture('debian13.nft-of-iptables.json'));
  const rule = tables.find(({ name }) => name === 'filter')?.chains.find(({ name }) => name === 'INPUT')?.rules[0];
  expect(rule && unknownSteps(rule).length).toBe(1);
});

test('handle, counter and comment belong to the rule, the counter not to its text', () => {
  const rule = ruleWith(parse(fixture('debian12.nft.json')), 'no track');
  expect(rule).toMatchObject({ handle: 14, packets: 0, text: 'ip saddr 172.16.0.0/28 udp sport 53 notrack comment "no track"' });
});

test.each([
  [{ masquerade: { flags: ['random', 'persistent'] } }, 'masquerade random,persistent'],
  [{ masquerade: null }, 'masquerade'],
  [{ snat: { addr: '192.168.99.10', flags: 'random' } }, 'snat to 192.168.99.10 random'],
  [{ tproxy: { family: 'ip6', addr: '::1', port: 8080 } }, 'tproxy ip6 to [::1]:8080'],
])('the text of a translation is what nft takes: %j', (statement, text) => {
  const json = {
    nftables: [
      { table: { family: 'inet', name: 't' } },
      { chain: { family: 'inet', table: 't', name: 'c' } },
      { rule: { family: 'inet', table: 't', chain: 'c', handle: 2, expr: [statement] } },
    ],
  };
  expect(parse(JSON.stringify(json))[0]?.chains[0]?.rules[0]?.text).toBe(text);
});

const fragmentOffset = { payload: { protocol: 'ip', field: 'frag-off' } };

test.each([
  ['!=', { '&': [fragmentOffset, 0x1fff] }, 0, { match: 'later-fragment', not: false }],
  ['==', { '&': [fragmentOffset, 0x1fff] }, 0, { match: 'later-fragment', not: true }],
  // With the flags in it a first fragment is not 0 either.
  ['!=', { '&': [fragmentOffset, 0x3fff] }, 0, { match: 'unknown' }],
  ['!=', fragmentOffset, 0, { match: 'unknown' }],
  ['==', { '&': [fragmentOffset, 0x1fff] }, 185, { match: 'unknown' }],
])('a fragment offset %s: %j against %j', (op, left, right, expected) => {
  const json = {
    nftables: [
      { table: { family: 'ip', name: 't' } },
      { chain: { family: 'ip', table: 't', name: 'c' } },
      { rule: { family: 'ip', table: 't', chain: 'c', handle: 2, expr: [{ match: { op, left, right } }] } },
    ],
  };
  expect(parse(JSON.stringify(json))[0]?.chains[0]?.rules[0]?.steps.at(-1)).toMatchObject(expected);
});

test('a policy that an old nft leaves out means accept', () => {
  const json = {
    nftables: [
      { table: { family: 'ip', name: 't' } },
      { chain: { family: 'ip', table: 't', name: 'c', type: 'filter', hook: 'input', prio: 0 } },
    ],
  };
  expect(parse(JSON.stringify(json))[0]?.chains[0]?.policy).toBe('accept');
});

test('sets and tables may be named like parts of an object', () => {
  const table = { family: 'ip', table: '__proto__' };
  const json = `{"nftables":[{"table":{"family":"ip","name":"__proto__"}},{"set":${JSON.stringify({ ...table, name: '__proto__', type: 'ipv4_addr' })}}]}`;
  const [read] = parse(json);
  expect(read?.name).toBe('__proto__');
  expect(Object.keys(read?.sets ?? {})).toEqual(['__proto__']);
});

test('no JSON makes the parser fail', () => {
  const scrap = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<unknown>('ip', '@set', 'mark', 'saddr', '10.0.0.1', 53, 0, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'match',
          'left',
          'right',
          'op',
          'payload',
          'protocol',
          'field',
          'meta',
          'key',
          'mangle',
          'value',
          'set',
          'map',
          'vmap',
          'data',
          'concat',
          'prefix',
          'range',
          '&',
          '|',
          'elem',
          'val',
          'snat',
          'addr',
          'fib',
          'flags',
          '__proto__',
        ),
        tie('value'),
        { maxKeys: 3 },
      ),
    ),
  })).value;
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 4 }), scrap, (expr, elem) => {
      const about = { family: 'ip', table: 't' };
      const nftables = [
        { table: { family: 'ip', name: 't' } },
        { chain: { ...about, name: 'c' } },
        { map: { ...about, name: 'set', map: 'verdict', elem } },
        { rule: { ...about, chain: 'c', expr } },
        elem,
      ];
      expect(parse(JSON.stringify({ nftables }))).toHaveLength(1);
    }),
    { numRuns: 2000 },
  );
});
