import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildCase } from '../../../src/engine/case.js';
import { collect } from '../../../src/facts/collect.js';
import { openHost } from '../../../src/host/target.js';
import type { Snapshot, Walk } from '../../../src/types.js';
import { articleTopology } from '../article.js';
import { type Lab, raiseLab } from '../lab.js';
import { type Round, round } from './rules.js';

/*
 * Whole predicted walks against what real packets did, with random rules on nginx's host and on an upstream. Only the model answers: no
 * kernel is asked for routes. ROUNDS and SEED are for longer runs.
 */

const rounds = Number(process.env.ROUNDS ?? 30);
const seed = Number(process.env.SEED ?? 11);
const services = { 'http:80/#web': 'http', 'tcp:9000': 'tcp', 'udp:53': 'dns', 'udp:5300': 'udp5300' } as const;
const where = fc.constantFrom('proxy', 'proxy', 'proxy', 'dev2');

let lab: Lab;
const snapshots = new Map<string, Snapshot>();

async function read(name: string): Promise<void> {
  snapshots.set(name, await collect(openHost({ kind: 'netns', name: lab.namespaceOf(name) }), name, { local: false }));
}

const sysctls = ['all', 'eth0', 'eth1'].flatMap((link) => ['rp_filter', 'accept_local', 'src_valid_mark'].map((name) => `${link}/${name}`));

/** Keeps the rules and values of the healthy lab, so that each round starts from them. */
const keep = (host: string) => lab.must(host, 'iptables-nft-save > random-base.v4');
const restore = (host: string) =>
  lab.must(
    host,
    [
      'for tool in iptables-nft iptables-legacy; do for t in raw mangle filter; do $tool -t $t -F; $tool -t $t -X; done; $tool -P INPUT ACCEPT; $tool -P FORWARD ACCEPT; done',
      'iptables-nft-restore < random-base.v4',
      'nft delete table inet dice 2>/dev/null || true',
      ...sysctls.map((name) => `[ ! -e /proc/sys/net/ipv4/conf/${name} ] || echo 0 > /proc/sys/net/ipv4/conf/${name}`),
    ].join('\n'),
  );

beforeAll(async () => {
  lab = await raiseLab(articleTopology());
  await Promise.all(['proxy', 'dev2'].map(keep));
  for (const { name } of lab.hosts) if (name !== 'switch') await read(name);
}, 60_000);
afterAll(() => lab.remove());

/** What the model says of one upstream of a service for both clients, or nothing where it depends on the client. */
function predicted(walks: readonly Walk[], id: string, upstream: string): Walk['end'] | undefined {
  const ends = new Set(
    walks.filter(({ service, upstream: { address } }) => service.id === id && address === upstream).map(({ end }) => end),
  );
  return ends.size === 1 ? [...ends][0] : undefined;
}

async function compare(host: string, changes: Round): Promise<{ compared: number; broken: number; unknown: number; wrong: string[] }> {
  await lab.must(host, changes.join('\n'));
  await read(host);
  const { walks } = buildCase(snapshots, { clients: ['192.168.99.50', '192.168.99.51'], roles: new Map() });
  const met = await Promise.all(Object.entries(services).map(async ([id, service]) => [id, (await lab.probe(service)).met] as const));
  const outcomes = met.flatMap(([id, names]) =>
    [1, 2, 3, 4].map((n) => ({ id, upstream: n, end: predicted(walks, id, `172.16.0.1${n}`), answered: names.includes(`dev${n}`) })),
  );
  const told = outcomes.filter(({ end }) => end !== undefined);
  return {
    compared: told.length,
    broken: told.filter(({ end }) => end === 'broken').length,
    unknown: told.filter(({ end }) => end === 'unknown').length,
    wrong: told
      .filter(({ end, answered }) => (end === 'whole' && !answered) || (end === 'broken' && answered))
      .map(({ id, upstream, end, answered }) => `${id} dev${upstream} is predicted ${end} and was ${answered ? '' : 'not '}answered`),
  };
}

test('a predicted walk ends as the packets do, whatever the rules', { timeout: 20_000 + rounds * 15_000 }, async () => {
  const plans = fc.sample(fc.tuple(where, round), { numRuns: rounds, seed });
  const sums = { compared: 0, broken: 0, unknown: 0 };
  for (const [host, changes] of plans) {
    const { compared, broken, unknown, wrong } = await compare(host, changes).finally(() => restore(host));
    await read(host);
    expect({ seed, host, changes, wrong }).toEqual({ seed, host, changes, wrong: [] });
    sums.compared += compared;
    sums.broken += broken;
    sums.unknown += unknown;
  }
  console.log(`${sums.compared} walks compared: ${sums.broken} broken, ${sums.unknown} unknown`);
  expect(sums.compared).toBeGreaterThan(10 * rounds);
  // Rules that break nothing, or everything, would compare nothing.
  expect(sums.broken).toBeGreaterThan(0.1 * sums.compared);
  expect(sums.broken).toBeLessThan(0.9 * sums.compared);
  expect(sums.unknown).toBeLessThan(0.02 * sums.compared);
});
