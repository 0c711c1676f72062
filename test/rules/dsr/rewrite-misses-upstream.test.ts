import { expect, test } from 'vitest';
import type { FirewallRule } from '../../../src/types.js';
import { addressOf, upstreams, vip } from '../../kit/article.js';
import { changeFact, dropSockets, editConfig } from '../../kit/change.js';
import { causesOf, commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const withoutFilterOf = (...missed: readonly string[]) =>
  changeFact('proxy', 'trafficControl', ({ qdiscs, filters }) => ({
    qdiscs,
    filters: filters.filter((filter) => !missed.includes(filter.match?.source ?? '')),
  }));

test('an upstream that the filters leave out gets one like them', () => {
  const change = withoutFilterOf(addressOf('dev3'));
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'dsr/rewrite-misses-upstream', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(commands(found.fix)).toEqual([
    `tc filter add dev eth0 parent 10: protocol ip prio 11 u32 match ip src 172.16.0.13 match ip protocol 17 0xff match ip sport 53 0xffff action nat egress 172.16.0.13 ${vip}`,
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('two that are left out get one each', () => {
  const change = withoutFilterOf(addressOf('dev1'), addressOf('dev4'));
  expect(commands(soleDiagnosis(change).fix).join().split(' && ')).toHaveLength(2);
  expect(leftAfterCures(change)).toEqual([]);
});

test('the filter of an upstream that sends nothing now is not taken for one with a wrong address', () => {
  const report = examineArticle([withoutFilterOf(addressOf('dev4')), dropSockets('dev3', 53)]);
  expect(causesOf(report).sort()).toEqual(['dsr/rewrite-misses-upstream proxy', 'upstream/not-listening dev3']);
});

test('where nft rewrites, the rule goes into its own chain', () => {
  const rewrite = (address: string): FirewallRule => ({
    text: `ip saddr ${address} udp sport 53 ip saddr set ${vip}`,
    steps: [
      { match: 'address', side: 'source', not: false, among: [[address, address]] },
      { match: 'port', side: 'source', not: false, among: [[53, 53]], ipProtocols: [17] },
      { do: 'rewrite', field: 'source-address', to: vip },
    ],
  });
  const covered = upstreams.filter((name) => name !== 'dev3').map(addressOf);
  const chain = {
    name: 'out',
    base: { hook: 'postrouting' as const, priority: 300, type: 'filter' as const },
    rules: covered.map(rewrite),
  };
  const change = [
    changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] })),
    changeFact('proxy', 'nft', () => [{ source: 'nft' as const, family: 'ip' as const, name: 'dsr', chains: [chain], sets: {} }]),
  ];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'dsr/rewrite-misses-upstream', host: 'proxy' });
  expect(commands(found.fix)).toEqual([
    expect.stringContaining(`nft 'add rule ip dsr out ip saddr 172.16.0.13 udp sport 53 ip saddr set ${vip} comment "tpdoctor `),
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('no filter is needed for an upstream that is marked down', () => {
  expectHealthy([withoutFilterOf(addressOf('dev3')), editConfig('172.16.0.13:53;', '172.16.0.13:53 down;')]);
});
