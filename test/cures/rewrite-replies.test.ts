import { expect, test } from 'vitest';
import { rewriteReplies } from '../../src/cures/rewrite-replies.js';
import { factOf } from '../../src/path/world.js';
import type { Snapshot } from '../../src/types.js';
import { articleSnapshots, type Change, vip } from '../kit/article.js';
import { changeFact } from '../kit/change.js';
import { commands } from '../kit/rules.js';

function host(name: string, change: Change | readonly Change[] = []): Snapshot {
  const snapshot = articleSnapshots(change).get(name);
  if (!snapshot) throw new Error(`the article has no ${name}`);
  return snapshot;
}
const noFilters = changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }));
const rewrite = { sources: ['172.16.0.12', '172.16.0.11'], port: 53, vip, where: 'forwarded' as const, link: 'eth0' };
const onlyCommand = (snapshot: Snapshot, change: Partial<Parameters<typeof rewriteReplies>[1]> = {}) =>
  rewriteReplies(snapshot, { ...rewrite, ...change }).map((cure) => commands(cure.steps).join('\n'))[0] ?? '';

test('where tc rewrites on that link, each upstream gets a filter of its own: a prefix would keep the host bits', () => {
  const lines = onlyCommand(host('proxy')).split(' && ');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toBe(
    `tc filter add dev eth0 parent 10: protocol ip prio 11 u32 match ip src 172.16.0.12 match ip protocol 17 0xff match ip sport 53 0xffff action nat egress 172.16.0.12 ${vip}`,
  );
});

test('filters on clsact egress are named so', () => {
  const clsact = changeFact('proxy', 'trafficControl', ({ qdiscs, filters }) => ({
    qdiscs,
    filters: filters.map((filter) => ({ ...filter, parent: 'egress' })),
  }));
  expect(onlyCommand(host('proxy', clsact))).toMatch(/^tc filter add dev eth0 egress protocol ip /);
});

test('filters of another link are no example', () => {
  expect(onlyCommand(host('proxy'), { link: 'eth1' })).toMatch(/^nft /);
});

test('a router must not track what it forwards; the origin has nothing to untrack', () => {
  expect(onlyCommand(host('proxy', noFilters))).toContain('notrack');
  expect(onlyCommand(host('dev1'), { where: 'originated', sources: ['172.16.0.11'] })).not.toContain('notrack');
});

test('addresses are listed in order, one alone stands without braces', () => {
  expect(onlyCommand(host('proxy', noFilters))).toContain('ip saddr { 172.16.0.11, 172.16.0.12 } udp sport 53');
  expect(onlyCommand(host('proxy', noFilters), { sources: ['172.16.0.11'] })).toContain('ip saddr 172.16.0.11 udp sport 53');
});

test('IPv6 replies are rewritten in a table of their family', () => {
  const run = onlyCommand(host('proxy', noFilters), { sources: ['fd00:16::11'], vip: 'fd00:99::10' });
  expect(run).toContain('create table ip6 dsr_replies');
  expect(run).toContain('ip6 saddr fd00:16::11 udp sport 53 ip6 saddr set fd00:99::10');
});

test('the copy has what the command adds', () => {
  const before = host('proxy', noFilters);
  const after = rewriteReplies(before, rewrite)[0]?.apply(before);
  expect(factOf(after, 'nft')?.[0]?.chains.map(({ base }) => base?.hook)).toEqual(['prerouting', 'postrouting']);
  const withTc = host('proxy');
  expect(factOf(rewriteReplies(withTc, rewrite)[0]?.apply(withTc), 'trafficControl')?.filters).toHaveLength(6);
});
