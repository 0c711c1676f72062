import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { admitFirst } from '../../src/cures/firewall-rules.js';
import { markedRule } from '../../src/cures/nft-undo.js';
import type { FirewallChain, FirewallTable, FixStep } from '../../src/types.js';
import { articleSnapshots } from '../kit/article.js';

const namespace = `nu${process.pid}`;
const sh = (script: string) => execFileSync('ip', ['netns', 'exec', namespace, 'sh', '-ec', script], { encoding: 'utf8' });
const place = { family: 'inet', table: 'mine', chain: 'in' };

beforeAll(() => {
  execFileSync('ip', ['netns', 'add', namespace]);
  sh("nft 'table inet mine { chain in { type filter hook input priority 0; tcp dport 80 drop; tcp dport 81 drop; }; }'");
});
afterAll(() => {
  execFileSync('ip', ['netns', 'del', namespace]);
});

const carryOut = (step: FixStep | undefined) => {
  if (step?.kind !== 'command' || step.undo === undefined) throw new Error('no command with an undo');
  return { run: step.run, undo: step.undo };
};

test('an inserted rule is found again by its comment, and nothing else goes with it', () => {
  const before = sh('nft list ruleset');
  const chain: FirewallChain = { name: 'in', base: { hook: 'input', priority: 0, type: 'filter' }, rules: [] };
  const table: FirewallTable = { source: 'nft', family: 'inet', name: 'mine', chains: [chain], sets: {} };
  const proxy = articleSnapshots().get('proxy');
  if (!proxy) throw new Error('no proxy');
  const steps = [80, 81].map((destinationPort) =>
    carryOut(admitFirst(proxy, { table, chain }, { family: 4, in: 'eth0', protocol: 6, destinationPort }, 'a test').steps[0]),
  );
  for (const { run } of steps) sh(run);
  expect(sh('nft list ruleset')).toContain('tcp dport 81 accept');
  // Somebody else adds a rule meanwhile: it stays.
  sh('nft insert rule inet mine in tcp dport 82 accept comment \'"not ours"\'');
  for (const { undo } of steps.toReversed()) sh(undo);
  expect(sh('nft list ruleset').replace(/.*not ours.*\n/, '')).toBe(before);
});

test('the same rule has the same comment and another has another', () => {
  expect(markedRule(place, 'accept')).toEqual(markedRule(place, 'accept'));
  expect(markedRule(place, 'accept').text).not.toBe(markedRule(place, 'drop').text.replace('drop', 'accept'));
});

test('names of tables are words of the command, whatever they hold', () => {
  const { undo } = markedRule({ ...place, table: '$(touch /tmp/x)' }, 'accept');
  expect(undo.match(/'\$\(touch \/tmp\/x\)'/g)).toHaveLength(2);
});
