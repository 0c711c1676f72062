import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseIptablesSave } from '../../src/facts/netfilter/iptables-save.js';
import { parse as parseNft } from '../../src/facts/nft.js';
import { evaluate } from '../../src/path/firewall.js';
import type { FirewallTable, Packet } from '../../src/types.js';
import { createLab, inLink, type Lab, receivers } from './firewall-kernel/lab.js';
import { asIptables, asNft, packets, randomTable } from './firewall-kernel/random-rules.js';

let lab: Lab;
beforeAll(() => {
  lab = createLab();
});
afterAll(() => lab.remove());
beforeEach(() => lab.reset());

const ruleSets = 9;
const packetsEach = 16;

/** What the evaluator says of a packet that comes in for this host: its mark at the end, or that it is dropped. */
function predict(tables: readonly FirewallTable[], packet: Packet): number | 'dropped' | 'not certain' {
  let current = packet;
  for (const hook of ['prerouting', 'input'] as const) {
    const outcomes = evaluate(tables, hook, current, {
      in: inLink,
      state: 'new',
      addressType: (address) => (receivers.some((own) => own === address) ? 'local' : 'unicast'),
      socket: 'none',
      firstOfConnection: true,
    });
    const [outcome] = outcomes;
    if (!outcome || outcomes.length > 1 || outcome.unknownBecause) return 'not certain';
    if (outcome.verdict !== 'accept') return 'dropped';
    current = outcome.packet;
  }
  return current.mark;
}

function compare(tables: readonly FirewallTable[], sent: readonly Packet[], rules: string): { passed: number; dropped: number } {
  const seen = lab.send(sent);
  for (const packet of sent)
    expect({ packet, verdict: predict(tables, packet), rules }).toEqual({ packet, verdict: seen.get(packet) ?? 'dropped', rules });
  return { passed: seen.size, dropped: sent.length - seen.size };
}

/** Both kinds of end must have occurred, or the comparison says little. */
function expectBoth(results: readonly { passed: number; dropped: number }[]): void {
  expect(results.some(({ passed }) => passed > 0)).toBe(true);
  expect(results.some(({ dropped }) => dropped > 0)).toBe(true);
}

const samples = (seed: number) => fc.sample(fc.tuple(randomTable(true), randomTable(false)), { seed, numRuns: ruleSets });

test.each(['iptables-legacy', 'iptables-nft'] as const)(
  '%s: verdict and mark agree with the kernel for random rules',
  (source) => {
    const results = samples(source.length).map(([mangle, filter], index) => {
      lab.reset();
      const rules = asIptables('mangle', mangle) + asIptables('filter', filter);
      lab.run([`${source}-restore`], rules);
      const tables = parseIptablesSave(lab.run([`${source}-save`, '-c']), { source, family: 4 });
      return compare(tables, packets(index, packetsEach), rules);
    });
    if (source === 'iptables-legacy') lab.run(['iptables-legacy-restore'], '*mangle\nCOMMIT\n*filter\n:INPUT ACCEPT\nCOMMIT\n');
    expectBoth(results);
  },
  60_000,
);

test('nft: verdict and mark agree with the kernel for random rules, sets and verdict maps', () => {
  const results = samples(3).map(([mangle, filter], index) => {
    lab.reset();
    const rules = asNft('alpha', 'prerouting priority mangle', mangle) + asNft('beta', 'input priority filter', filter);
    lab.run(['nft', '-f', '-'], rules);
    const tables = parseNft(lab.run(['nft', '-j', 'list', 'ruleset'])).filter((table) => table.name !== 'recorder');
    return compare(tables, packets(index + 100, packetsEach), rules);
  });
  expectBoth(results);
}, 60_000);
