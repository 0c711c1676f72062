import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseIptablesSave } from '../../src/facts/netfilter/iptables-save.js';
import { parse as parseNft } from '../../src/facts/nft.js';
import { combineTables, evaluate, type FirewallContext } from '../../src/path/firewall.js';
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

type End = number | 'dropped';

const context: FirewallContext = {
  in: inLink,
  state: 'new',
  addressType: (address) => (receivers.some((own) => own === address) ? 'local' : 'unicast'),
  socket: 'none',
  firstOfConnection: true,
};

/** Every way in which the evaluator says a packet that comes in for this host may end: with a mark, or dropped. */
function possibleEnds(tables: readonly FirewallTable[], packet: Packet): End[] {
  return evaluate(tables, 'prerouting', packet, context).flatMap((first) =>
    first.verdict === 'accept'
      ? evaluate(tables, 'input', first.packet, context).map((last) => (last.verdict === 'accept' ? last.packet.mark : 'dropped'))
      : ['dropped' as const],
  );
}

/** The one certain end. */
function predict(tables: readonly FirewallTable[], packet: Packet): End | 'not certain' {
  const [end, ...others] = possibleEnds(tables, packet);
  return end === undefined || others.length > 0 ? 'not certain' : end;
}

function compare(tables: readonly FirewallTable[], sent: readonly Packet[], rules: string): { passed: number; dropped: number } {
  const seen = lab.send(sent);
  for (const packet of sent)
    expect({ packet, verdict: predict(tables, packet), rules }).toEqual({ packet, verdict: seen.get(packet) ?? 'dropped', rules });
  return { passed: seen.size, dropped: sent.length - seen.size };
}

const emptyLegacy = '*mangle\nCOMMIT\n*filter\n:INPUT ACCEPT\nCOMMIT\n';

/** Both kinds of end must have occurred, or the comparison says little. */
function expectBoth(results: readonly { passed: number; dropped: number }[]): void {
  expect(results.some(({ passed }) => passed > 0)).toBe(true);
  expect(results.some(({ dropped }) => dropped > 0)).toBe(true);
}

const pairsThatMark = (seed: number) => fc.sample(fc.tuple(randomTable(true), randomTable(true)), { seed, numRuns: ruleSets });
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
    if (source === 'iptables-legacy') lab.run(['iptables-legacy-restore'], emptyLegacy);
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

test('nft chains of equal priority: the one created last runs first, as in the kernel', () => {
  const results = pairsThatMark(17).map(([first, second], index) => {
    lab.reset();
    const rules = asNft('alpha', 'prerouting priority mangle', first) + asNft('beta', 'prerouting priority mangle', second);
    lab.run(['nft', '-f', '-'], rules);
    const tables = parseNft(lab.run(['nft', '-j', 'list', 'ruleset'])).filter((table) => table.name !== 'recorder');
    return compare(tables, packets(index + 200, packetsEach), rules);
  });
  expectBoth(results);
}, 60_000);

test('both iptables back ends at once: what the kernel does is among the ends foreseen, and is the only one where order does not matter', () => {
  const certain = pairsThatMark(23).flatMap(([first, second], index) => {
    lab.reset();
    const [legacyRules, nftRules] = [asIptables('mangle', first), asIptables('mangle', second)];
    lab.run(['iptables-legacy-restore'], legacyRules);
    lab.run(['iptables-nft-restore'], nftRules);
    const tables = combineTables(
      parseIptablesSave(lab.run(['iptables-legacy-save', '-c']), { source: 'iptables-legacy', family: 4 }),
      parseIptablesSave(lab.run(['iptables-nft-save', '-c']), { source: 'iptables-nft', family: 4 }),
      parseNft(lab.run(['nft', '-j', 'list', 'ruleset'])).filter((table) => table.name !== 'recorder'),
    );
    const sent = packets(index + 300, packetsEach);
    const seen = lab.send(sent);
    return sent.map((packet) => {
      const ends = possibleEnds(tables, packet);
      expect(ends).toContain(seen.get(packet) ?? 'dropped');
      return ends.length === 1;
    });
  });
  lab.run(['iptables-legacy-restore'], emptyLegacy);
  expect(certain.filter(Boolean).length).toBeGreaterThan(certain.length / 4);
}, 60_000);
