import { expect, test } from 'vitest';
import type { FirewallMatch, FirewallTable, TcFilter } from '../../../src/types.js';
import { addressOf, type Change, upstreams, vip } from '../../kit/article.js';
import { changeFact, editConfig, loseFact } from '../../kit/change.js';
import { causesOf, commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const noFilters = changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }));

test("without any rewrite the gateway on the replies' way gets one", () => {
  const found = soleDiagnosis(noFilters);
  expect(found).toMatchObject({ cause: 'dsr/reply-not-rewritten', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  const [run = '', ...others] = commands(found.fix);
  expect(others).toEqual([]);
  expect(run).toMatch(/^nft '/);
  expect(run).toContain('type filter hook prerouting priority -300;');
  expect(run).toContain('ip saddr { 172.16.0.11, 172.16.0.12, 172.16.0.13, 172.16.0.14 } udp sport 53 notrack');
  expect(run).toContain(`udp sport 53 ip saddr set ${vip}`);
  expect(leftAfterCures(noFilters)).toEqual([]);
});

test('two services get one table: what the first step makes the second one adds to', () => {
  const bothByDsr = editConfig(
    'proxy_bind $remote_addr transparent;\n        proxy_responses 1;',
    'proxy_bind $remote_addr:$remote_port transparent;\n        proxy_responses 0;',
  );
  const found = examineArticle([noFilters, bothByDsr]).diagnoses.find(({ cause }) => cause === 'dsr/reply-not-rewritten');
  const [first = '', second = '', ...others] = commands(found?.fix ?? []);
  expect(others).toEqual([]);
  expect(first).toMatch(/^nft 'create table ip dsr_replies; .* udp sport 53 /);
  expect(second).toMatch(/^nft 'add rule ip dsr_replies .* udp sport 5300 /);
});

const range = (address: string) => [address, address] as const;
const sport: FirewallMatch = { match: 'port', side: 'source', not: false, among: [[53, 53]], ipProtocols: [17] };
const table = (steps: FirewallTable['chains'][number]['rules'][number]['steps'], sets: FirewallTable['sets'] = {}): Change =>
  changeFact('proxy', 'nft', () => [
    {
      source: 'nft' as const,
      family: 'ip' as const,
      name: 'dsr',
      chains: [
        {
          name: 'out',
          base: { hook: 'postrouting' as const, priority: 300, type: 'filter' as const },
          rules: [{ text: 'rewrite', steps }],
        },
      ],
      sets,
    },
  ]);
const addresses = upstreams.map(addressOf);

test('a rewrite by an nft map is as good as tc', () => {
  const map = Object.fromEntries(addresses.map((address) => [address, vip]));
  expectHealthy([noFilters, table([sport, { do: 'rewrite', field: 'source-address', map }])]);
});

test('a rewrite by an nft set is as good', () => {
  const set: FirewallMatch = { match: 'set', not: false, set: 'servers', fields: ['source-address'] };
  const sets = { servers: addresses.map((address) => ({ key: [range(address)] })) };
  expectHealthy([noFilters, table([set, sport, { do: 'rewrite', field: 'source-address', to: vip }], sets)]);
});

test('a rewrite by an nft prefix is as good', () => {
  const prefix: FirewallMatch = { match: 'address', side: 'source', not: false, among: [['172.16.0.0', '172.16.0.15']] };
  expectHealthy([noFilters, table([prefix, sport, { do: 'rewrite', field: 'source-address', to: vip }])]);
});

test('one tc filter for each upstream on clsact egress is as good', () => {
  const onClsact = changeFact('proxy', 'trafficControl', ({ filters }) => ({
    qdiscs: [{ link: 'eth0', kind: 'clsact', handle: 'ffff:' }],
    filters: filters.map((filter): TcFilter => ({ ...filter, parent: 'egress' })),
  }));
  expectHealthy(onClsact);
});

test('where tc could not be read nothing is concluded', () => {
  const report = examineArticle(loseFact('proxy', 'trafficControl'));
  expect(causesOf(report)).toEqual([]);
  expect(report.verdict).toBe('undetermined');
});
