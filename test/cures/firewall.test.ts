import { expect, test } from 'vitest';
import { frontEndOf, iptablesTool } from '../../src/cures/front-end.js';
import { addIptablesRule } from '../../src/cures/iptables.js';
import { markReplies } from '../../src/cures/mark-replies.js';
import { addNftRules } from '../../src/cures/nft.js';
import { parseIptablesSave } from '../../src/facts/netfilter/iptables-save.js';
import { factOf } from '../../src/path/world.js';
import type { Packet, Snapshot } from '../../src/types.js';
import { articleSnapshots, type Change, iptablesTable, mangle4 } from '../kit/article.js';
import { changeFact, setIptables } from '../kit/change.js';
import { commands } from '../kit/rules.js';

function proxy(change: Change | readonly Change[] = []): Snapshot {
  const snapshot = articleSnapshots(change).get('proxy');
  if (!snapshot) throw new Error('the article has no proxy');
  return snapshot;
}
const bare = [setIptables('proxy', 'mangle', []), setIptables('proxy', 'mangle', [], { family: 6 })];
const legacy = changeFact('proxy', 'iptablesLegacy', () =>
  parseIptablesSave(iptablesTable('mangle', mangle4), { source: 'iptables-legacy', family: 4 }),
);
const mangleRules = (snapshot: Snapshot, name: 'iptablesNft' | 'iptablesLegacy' = 'iptablesNft') =>
  factOf(snapshot, name)
    ?.find((table) => table.name === 'mangle' && table.family === 'ip')
    ?.chains.find((chain) => chain.name === 'PREROUTING')
    ?.rules.map((rule) => rule.text) ?? [];

test('new rules go where the old ones are', () => {
  expect(frontEndOf(proxy())).toBe('iptables-nft');
  expect(frontEndOf(proxy([...bare, legacy]))).toBe('iptables-legacy');
  expect(frontEndOf(proxy(bare))).toBe('iptables');
  expect(frontEndOf(proxy([...bare, changeFact('proxy', 'tools', () => ['nft'])]))).toBe('nft');
});

test('each back end and family has its own program', () => {
  expect(iptablesTool('iptables-legacy', 6)).toBe('ip6tables-legacy');
  expect(iptablesTool('iptables', 4)).toBe('iptables');
});

const words = ['-s', '172.16.0.11,172.16.0.12', '-p', 'tcp', '-m', 'tcp', '--sport', '80', '-j', 'MARK', '--set-xmark', '0x1/0xffffffff'];
const rule = { frontEnd: 'iptables-nft' as const, family: 4 as const, table: 'mangle', chain: 'PREROUTING', words, why: 'why' };

test('a comma list of sources makes one rule of each, at the end or at the start of the chain', () => {
  const before = proxy(setIptables('proxy', 'mangle', ['-A PREROUTING -j ACCEPT']));
  const added = ['172.16.0.11', '172.16.0.12'].map((source) => expect.stringContaining(`-s ${source}`));
  expect(mangleRules(addIptablesRule(before, { ...rule, at: 'end' }).apply(before))).toEqual(['-A PREROUTING -j ACCEPT', ...added]);
  expect(mangleRules(addIptablesRule(before, { ...rule, at: 'start' }).apply(before))).toEqual([...added, '-A PREROUTING -j ACCEPT']);
});

test('a rule is appended or inserted by the command, and deleted by its undo', () => {
  const [step] = addIptablesRule(proxy(), { ...rule, at: 'start' }).steps;
  expect(step).toMatchObject({
    run: expect.stringMatching(/^iptables-nft -t mangle -I PREROUTING -s /),
    undo: expect.stringMatching(/^iptables-nft -t mangle -D PREROUTING -s /),
  });
});

test('a table that the host does not have is made in the back end that is meant', () => {
  const before = proxy([changeFact('proxy', 'iptablesNft', () => [])]);
  expect(mangleRules(addIptablesRule(before, { ...rule, at: 'end' }).apply(before))).toHaveLength(2);
  const other = addIptablesRule(before, { ...rule, frontEnd: 'iptables-legacy', at: 'end' }).apply(before);
  expect([mangleRules(other).length, mangleRules(other, 'iptablesLegacy').length]).toEqual([0, 2]);
});

const reply = (source: string, change: Partial<Packet> = {}): Packet => ({
  family: 4,
  protocol: 6,
  source,
  destination: '192.168.99.50',
  sourcePort: 80,
  destinationPort: 40_001,
  mark: 0,
  ...change,
});

test('replies of one protocol and port share a rule, sorted and each once', () => {
  const replies = [
    reply('172.16.0.14'),
    reply('172.16.0.11'),
    reply('172.16.0.14'),
    reply('172.16.0.11', { protocol: 17, sourcePort: 53 }),
  ];
  const [cure] = markReplies(proxy(), replies, 1, { socketMatch: false });
  expect(commands(cure?.steps ?? [])).toEqual([
    'iptables-nft -t mangle -A PREROUTING -s 172.16.0.11,172.16.0.14 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
    'iptables-nft -t mangle -A PREROUTING -s 172.16.0.11 -p udp -m udp --sport 53 -j MARK --set-xmark 0x1/0xffffffff',
  ]);
});

test('the socket match comes first where it is allowed, then addresses at the end, then at the start', () => {
  const heads = markReplies(proxy(), [reply('172.16.0.11')], 1, { socketMatch: true }).map((cure) => commands(cure.steps)[0]);
  expect(heads).toEqual([
    expect.stringContaining('-m socket --transparent'),
    expect.stringContaining(' -A PREROUTING -s '),
    expect.stringContaining(' -I PREROUTING -s '),
  ]);
});

const chain = {
  name: 'pre',
  base: { hook: 'prerouting' as const, priority: -150, type: 'filter' as const },
  rules: [{ text: 'meta mark set 0x1', steps: [{ do: 'mark' as const, value: 1, mask: 0xffffffff }] }],
};

test('nft makes table and chain with the rules in one command, and the table is what undo deletes', () => {
  const before = proxy();
  const cure = addNftRules(before, { family: 'ip', table: 't', chains: [chain], why: 'why' });
  expect(cure.steps).toEqual([
    expect.objectContaining({
      run: "nft 'create table ip t; add chain ip t pre { type filter hook prerouting priority -150; }; add rule ip t pre meta mark set 0x1'",
      undo: "nft 'delete table ip t'",
    }),
  ]);
  expect(factOf(cure.apply(before), 'nft')?.map(({ name }) => name)).toEqual(['t']);
});

test('a table that was there before stays: undo deletes the rule, found by its comment', () => {
  const [step] = addNftRules(proxy(), { family: 'ip', table: 't', present: true, chains: [{ ...chain, present: true }], why: 'why' }).steps;
  expect(step).toMatchObject({
    run: expect.stringMatching(/^nft 'add rule ip t pre meta mark set 0x1 comment "tpdoctor [0-9a-f]{8}"'$/),
    undo: expect.stringMatching(/^nft delete rule ip t pre handle /),
  });
});

test('a table of that name is left alone: the new one has another', () => {
  const [first, second] = [proxy(), proxy()].map((host) => addNftRules(host, { family: 'ip', table: 't', chains: [chain], why: 'why' }));
  const before = first?.apply(proxy()) ?? proxy();
  const [step] = addNftRules(before, { family: 'ip', table: 't', chains: [chain], why: 'why' }).steps;
  expect(step).toMatchObject({ undo: "nft 'delete table ip t_2'" });
  expect(second?.steps[0]).toMatchObject({ undo: "nft 'delete table ip t'" });
});

test('marks of several services are one table for each family, so that each undo finds what it takes away', () => {
  const host = proxy([...bare, changeFact('proxy', 'tools', () => ['nft'])]);
  const replies = [reply('172.16.0.11'), reply('172.16.0.11', { protocol: 17, sourcePort: 53 }), reply('fd00:16::11', { family: 6 })];
  const [cure] = markReplies(host, replies, 1, { socketMatch: false });
  expect(cure?.steps.map((step) => step.kind === 'command' && step.undo)).toEqual([
    "nft 'delete table ip transparent_proxy'",
    "nft 'delete table ip6 transparent_proxy'",
  ]);
  expect(commands(cure?.steps ?? [])[0]).toMatch(/tcp sport 80 meta mark set 0x1; .*udp sport 53 meta mark set 0x1'$/);
});
