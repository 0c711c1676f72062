import { expect, test } from 'vitest';
import { parseIptablesSave } from '../../../src/facts/netfilter/iptables-save.js';
import type { FirewallMatch } from '../../../src/types.js';
import { iptablesTable, mangle4 } from '../../kit/article.js';
import { changeFact, setIptables } from '../../kit/change.js';
import { causesOf, commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis, withoutDsr } from '../../kit/rules.js';

const none4 = setIptables('proxy', 'mangle', []);
const none6 = setIptables('proxy', 'mangle', [], { family: 6 });
const upstreams4 = '172.16.0.11,172.16.0.12,172.16.0.13,172.16.0.14';

test('without a mark rule each service by method 1 gets one, by address where replies of a DSR service pass too', () => {
  const found = soleDiagnosis(none4);
  expect(found).toMatchObject({ cause: 'proxy/mark-rule-missing', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:5300']);
  expect(commands(found.fix)).toEqual([
    `iptables-nft -t mangle -A PREROUTING -s ${upstreams4} -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff`,
    `iptables-nft -t mangle -A PREROUTING -s ${upstreams4} -p udp -m udp --sport 5300 -j MARK --set-xmark 0x1/0xffffffff`,
  ]);
  expect(leftAfterCures(none4)).toEqual([]);
});

test('IPv6 replies need a rule of their own', () => {
  const found = soleDiagnosis(none6);
  expect(found).toMatchObject({ cause: 'proxy/mark-rule-missing', services: ['http:80/#web6'] });
  expect(commands(found.fix)).toEqual([
    'ip6tables-nft -t mangle -A PREROUTING -s fd00:16::11,fd00:16::12,fd00:16::13,fd00:16::14 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
  ]);
  expect(leftAfterCures(none6)).toEqual([]);
});

test('where no DSR service is, one socket match serves all', () => {
  const change = [withoutDsr, none4, none6];
  const found = soleDiagnosis(change);
  expect(found.services).toEqual(['http:80/#web', 'http:80/#web6', 'udp:5300']);
  expect(commands(found.fix)).toEqual([
    'iptables -t mangle -A PREROUTING -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
    'ip6tables -t mangle -A PREROUTING -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('on a host with nft alone the rule is written with nft', () => {
  const change = [none4, none6, changeFact('proxy', 'tools', () => ['ip', 'nft'])];
  const found = soleDiagnosis(change);
  const [first = ''] = commands(found.fix);
  expect(first).toMatch(
    /^nft 'create table ip transparent_proxy; add chain ip transparent_proxy \S+ \{ type filter hook prerouting priority -150; \}; add rule /,
  );
  expect(first).toContain('ip saddr { 172.16.0.11, 172.16.0.12, 172.16.0.13, 172.16.0.14 } tcp sport 80 meta mark set 0x1');
  expect(leftAfterCures(change)).toEqual([]);
});

test('the mark that the policy rule asks for is the one that is set', () => {
  const change = [
    none4,
    changeFact('proxy', 'policyRules', (rules) =>
      rules.map((rule) => (rule.mark === undefined ? rule : { ...rule, mark: 0x20, mask: 0x20 })),
    ),
    none6,
  ];
  expect(commands(soleDiagnosis(change).fix)[0]).toContain('--set-xmark 0x20/0xffffffff');
  expect(leftAfterCures(change)).toEqual([]);
});

test("a VPN's mark rule for its own traffic is no mark rule for replies", () => {
  const vpn = setIptables('proxy', 'mangle', ['-A PREROUTING -i wg0 -j MARK --set-xmark 0xca6c/0xffffffff']);
  const found = soleDiagnosis(vpn);
  expect(found.cause).toBe('proxy/mark-rule-missing');
  expect(leftAfterCures(vpn)).toEqual([]);
});

test('a socket match in the place of addresses is fine', () => {
  expectHealthy([withoutDsr, setIptables('proxy', 'mangle', ['-A PREROUTING -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff'])]);
});

test('the rules of the legacy back end are as good', () => {
  const legacy = parseIptablesSave(iptablesTable('mangle', mangle4), { source: 'iptables-legacy', family: 4 });
  const report = examineArticle([none4, changeFact('proxy', 'iptablesLegacy', () => legacy)]);
  // IPv6 is marked in the other back end.
  expect({ causes: causesOf(report), verdict: report.verdict }).toEqual({
    causes: ['proxy/split-iptables-backends proxy'],
    verdict: 'healthy',
  });
});

test("nft's own rules are as good", () => {
  const matches: FirewallMatch[] = [
    { match: 'address', side: 'source', not: false, among: [['172.16.0.0', '172.16.0.15']] },
    {
      match: 'port',
      side: 'source',
      not: false,
      among: [
        [80, 80],
        [5300, 5300],
      ],
      ipProtocols: [6, 17],
    },
  ];
  const rule = {
    text: 'ip saddr 172.16.0.0/28 th sport { 80, 5300 } meta mark set 0x1',
    steps: [...matches, { do: 'mark' as const, value: 1, mask: 0xffffffff }],
  };
  const chain = { name: 'pre', base: { hook: 'prerouting' as const, priority: -150, type: 'filter' as const }, rules: [rule] };
  expectHealthy([
    none4,
    changeFact('proxy', 'nft', () => [{ source: 'nft' as const, family: 'inet' as const, name: 'proxy', chains: [chain], sets: {} }]),
  ]);
});

test("a VPN's mark rule beside the right ones is fine", () => {
  expectHealthy(setIptables('proxy', 'mangle', ['-A PREROUTING -i wg0 -j MARK --set-xmark 0xca6c/0xffffffff', ...mangle4]));
});

test('a mark that the connection carries is fine', () => {
  expectHealthy([
    withoutDsr,
    setIptables('proxy', 'mangle', [
      '-A OUTPUT -d 172.16.0.0/28 -j CONNMARK --set-xmark 0x1/0xffffffff',
      '-A PREROUTING -i eth1 -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff',
    ]),
  ]);
});
