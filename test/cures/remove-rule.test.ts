import { expect, test } from 'vitest';
import type { ChainPlace } from '../../src/cures/firewall-rules.js';
import { moveAllToNft, type RulePlace, removeRule, removeRules } from '../../src/cures/remove-rule.js';
import { parseIptablesSave } from '../../src/facts/netfilter/iptables-save.js';
import { factOf } from '../../src/path/world.js';
import type { Cure, FirewallRule, FirewallTable, Snapshot } from '../../src/types.js';
import { articleSnapshots, iptablesTable } from '../kit/article.js';
import { changeFact, setIptables } from '../kit/change.js';

const undos = (cure: Cure | undefined) => cure?.steps.map((step) => (step.kind === 'command' ? step.undo : ''));

function proxyWith(change: Parameters<typeof articleSnapshots>[0]): Snapshot {
  const snapshot = articleSnapshots(change).get('proxy');
  if (!snapshot) throw new Error('the article has no proxy');
  return snapshot;
}

function placesIn(tables: readonly FirewallTable[] | undefined, table: string, chain: string): RulePlace[] {
  const places = (tables ?? []).flatMap((each): ChainPlace[] =>
    each.name === table && each.family !== 'ip6'
      ? each.chains.filter(({ name }) => name === chain).map((one) => ({ table: each, chain: one }))
      : [],
  );
  return places.slice(0, 1).flatMap((place) => place.chain.rules.map((rule) => ({ ...place, rule })));
}

const ports = [1, 2, 3, 4].map((port) => `-A PREROUTING -p tcp -m tcp --sport ${port} -j MARK --set-xmark 0x1/0xffffffff`);
const host = proxyWith(setIptables('proxy', 'mangle', ports));
const rules = placesIn(factOf(host, 'iptablesNft'), 'mangle', 'PREROUTING');
const at = (...numbers: readonly number[]) => numbers.flatMap((number) => rules[number - 1] ?? []);

test('a rule of iptables goes back to where it stood', () => {
  expect(undos(removeRules(host, at(2), 'why'))).toEqual([expect.stringMatching(/ -I PREROUTING 2 -p tcp .* --sport 2 /)]);
});

test('of several each is told by its place among those that are left then', () => {
  const places = (cure: Cure | undefined) => undos(cure)?.map((undo) => /PREROUTING (\d)/.exec(undo ?? '')?.[1]);
  expect(places(removeRules(host, at(1, 3), 'why'))).toEqual(['1', '2']);
  expect(places(removeRules(host, at(3, 1), 'why'))).toEqual(['3', '1']);
});

test('one rule that is named twice is taken out once', () => {
  expect(removeRules(host, at(2, 2), 'why')?.steps).toHaveLength(1);
});

const drop = (port: number, handle: number, packets?: number): FirewallRule => ({
  text: `udp sport ${port} drop`,
  handle,
  ...(packets === undefined ? {} : { packets }),
  steps: [{ match: 'port', side: 'source', not: false, among: [[port, port]], ipProtocols: [17] }, { do: 'drop' }],
});
const nftHost = (chain: readonly FirewallRule[]) =>
  proxyWith(
    changeFact('proxy', 'nft', () => [
      { source: 'nft', family: 'inet', name: 't', chains: [{ name: 'c', rules: chain }], sets: {} } satisfies FirewallTable,
    ]),
  );
const nftUndos = (chain: readonly FirewallRule[], number: number) => {
  const place = placesIn(factOf(nftHost(chain), 'nft'), 't', 'c')[number - 1];
  return place && undos(removeRule(nftHost(chain), place, 'why'));
};

test('a rule of nft goes before the one that follows it, or to the end', () => {
  const chain = [drop(1, 4), drop(2, 5), drop(3, 9)];
  expect([1, 2, 3].map((number) => nftUndos(chain, number))).toEqual([
    ["nft 'insert rule inet t c udp sport 1 drop'"],
    ["nft 'insert rule inet t c index 1 udp sport 2 drop'"],
    ["nft 'add rule inet t c udp sport 3 drop'"],
  ]);
});

test('rules that are read from one map of verdicts are one place', () => {
  expect(nftUndos([drop(1, 4), drop(2, 4), drop(3, 9), drop(5, 10)], 3)).toEqual(["nft 'insert rule inet t c index 1 udp sport 3 drop'"]);
});

test('a counter comes back before what the rule does', () => {
  const rewrite: FirewallRule = { ...drop(1, 4, 77), text: 'udp sport 1 ip saddr set 192.168.99.10' };
  expect([nftUndos([drop(1, 4, 77)], 1), nftUndos([rewrite], 1)]).toEqual([
    ["nft 'add rule inet t c udp sport 1 counter drop'"],
    ["nft 'add rule inet t c udp sport 1 counter ip saddr set 192.168.99.10'"],
  ]);
});

test('rules that an earlier step adds have places of their own', () => {
  const { handle: _, ...added } = drop(9, 0);
  expect(nftUndos([added, { ...added }, drop(1, 4), drop(2, 5)], 3)).toEqual(["nft 'insert rule inet t c index 2 udp sport 1 drop'"]);
});

test('what is not understood is not typed', () => {
  const rule: FirewallRule = { text: 'xt match foo drop', handle: 3, steps: [{ match: 'unknown', text: 'xt match foo' }, { do: 'drop' }] };
  const quoted: FirewallRule = { ...drop(1, 4), text: 'udp sport 1 drop comment "a; b"' };
  const logging: FirewallRule = { ...drop(1, 4), steps: [{ do: 'nothing', text: 'log' }, { do: 'drop' }] };
  expect([rule, quoted, logging].map((each) => nftUndos([each], 1))).toEqual([[undefined], [undefined], [undefined]]);
});

test('rules of the legacy back end move one by one, and undo brings each back to its place', () => {
  const legacy = parseIptablesSave(iptablesTable('mangle', ports), { source: 'iptables-legacy', family: 4 });
  const both = proxyWith(changeFact('proxy', 'iptablesLegacy', () => legacy));
  const moved = moveAllToNft(both, placesIn(legacy, 'mangle', 'PREROUTING').slice(0, 2), 'why');
  expect(undos(moved)).toEqual([
    expect.stringMatching(/^iptables-nft -t mangle -D PREROUTING .*--sport 1 /),
    expect.stringMatching(/^iptables-legacy -t mangle -I PREROUTING 1 .*--sport 1 /),
    expect.stringMatching(/^iptables-nft -t mangle -D PREROUTING .*--sport 2 /),
    expect.stringMatching(/^iptables-legacy -t mangle -I PREROUTING 1 .*--sport 2 /),
  ]);
});

test('a rule that both back ends have is only taken out: undo of a second one would find the first', () => {
  const legacy = parseIptablesSave(iptablesTable('mangle', ports), { source: 'iptables-legacy', family: 4 });
  const both = proxyWith([setIptables('proxy', 'mangle', ports), changeFact('proxy', 'iptablesLegacy', () => legacy)].flat());
  expect(undos(moveAllToNft(both, placesIn(legacy, 'mangle', 'PREROUTING').slice(1, 2), 'why'))).toEqual([
    expect.stringMatching(/^iptables-legacy -t mangle -I PREROUTING 2 .*--sport 2 /),
  ]);
});
