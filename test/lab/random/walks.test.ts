import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCase } from '../../../src/engine/case.js';
import { collect } from '../../../src/facts/collect.js';
import { openHost } from '../../../src/host/target.js';
import { owns } from '../../../src/path/world.js';
import type { Snapshot, Walk } from '../../../src/types.js';
import { type Lab, raiseLab } from '../lab.js';
import { topologyNames, topologyOf } from '../topologies.js';
import type { ProbePlan } from '../topology.js';
import { type Pool, poolOf } from './pool.js';
import { keep, restore, roundOn } from './round.js';
import { askAll, type Met } from './traffic.js';

/*
 * Whole predicted walks against what real packets did, with random rules, routes, sysctls and filters on any host of each topology. Only the model
 * answers: no kernel is asked for routes. ROUNDS (of each topology), SEED and TOPOLOGY are for longer runs.
 */

const rounds = Number(process.env.ROUNDS ?? 5);
const seed = Number(process.env.SEED ?? 11);
const names = topologyNames.filter((name) => (process.env.TOPOLOGY ?? name) === name);

/** What became of one client's request to one upstream, and what was said of it. */
interface Outcome {
  what: string;
  end: Walk['end'];
  /** It left the named hosts on its way. */
  unseen: boolean;
  last: string;
  answered: boolean;
}

const total = { compared: 0, broken: 0, unknown: 0 };

describe.each(names)('%s', (name) => {
  const topology = topologyOf({ topology: name });
  const pools = topology.hosts.map((host) => poolOf(topology, host.name));
  const snapshots = new Map<string, Snapshot>();
  let lab: Lab;

  const read = async (host: string): Promise<void> => {
    snapshots.set(host, await collect(openHost({ kind: 'netns', name: lab.namespaceOf(host) }), host, { local: false }));
  };

  beforeAll(async () => {
    lab = await raiseLab(topology);
    await quieten(lab);
    for (const pool of pools) {
      await lab.must(pool.host, keep(pool));
      await read(pool.host);
    }
  }, 60_000);
  afterAll(() => lab.remove());

  async function compare({ host }: Pool, changes: readonly string[]): Promise<Outcome[]> {
    await lab.must(host, changes.join('\n'));
    await read(host);
    const plans = Object.values(topology.probes);
    const clients = [...new Set(plans.flatMap(({ from }) => from))];
    const { walks } = buildCase(snapshots, { clients, roles: new Map() });
    const met = await Promise.all(plans.map(async (plan) => [plan, await askAll(lab, plan)] as const));
    return met.flatMap(([plan, answers]) =>
      walks.filter((walk) => isOf(walk, plan)).map((walk) => outcome(walk, answers.get(walk.client))),
    );
  }

  const outcome = (walk: Walk, met: Met | undefined): Outcome => {
    const upstream = topology.hosts.find((host) => owns(snapshots.get(host.name), walk.upstream.address ?? ''))?.name ?? '';
    const last = walk.steps.at(-1);
    return {
      what: `${walk.service.id} ${walk.client} ${upstream}`,
      end: walk.end,
      unseen: walk.steps.some((step) => step.outcome === 'unseen'),
      last: `${last?.host} ${last?.leg} ${last?.code} ${last?.did}`,
      answered: met?.has(upstream) === true,
    };
  };

  test('a predicted walk ends as the packets do, whatever the rules', { timeout: 20_000 + rounds * 15_000 }, async () => {
    const plans = fc.sample(
      fc.constantFrom(...pools).chain((pool) => roundOn(pool).map((changes) => ({ pool, changes }))),
      { numRuns: rounds, seed: seed + topologyNames.indexOf(name) },
    );
    for (const { pool, changes } of plans) {
      const outcomes = await compare(pool, changes).finally(() => lab.must(pool.host, restore(pool)));
      await read(pool.host);
      const wrong = outcomes.filter((o) => (o.end === 'whole' && !o.answered && !o.unseen) || (o.end === 'broken' && o.answered));
      expect.soft({ host: pool.host, changes, wrong }).toEqual({ host: pool.host, changes, wrong: [] });
      total.compared += outcomes.length;
      total.broken += outcomes.filter(({ end }) => end === 'broken').length;
      total.unknown += outcomes.filter(({ end }) => end === 'unknown').length;
    }
  });
});

test('enough was compared, of both kinds', () => {
  console.log(`${total.compared} walks compared: ${total.broken} broken, ${total.unknown} unknown`);
  expect(total.compared).toBeGreaterThan(15 * rounds * names.length);
  // Rules that break nothing, or everything, would compare nothing.
  expect(total.broken).toBeGreaterThan(0.1 * total.compared);
  expect(total.broken).toBeLessThan(0.9 * total.compared);
  expect(total.unknown).toBeLessThan(0.02 * total.compared);
});

/** What a walk is not about: a host that learns a shorter way from an earlier packet, and whether a link address can be asked for under random rules. */
async function quieten(lab: Lab): Promise<void> {
  const { hosts } = lab.topology;
  const macs = new Map<string, string>();
  for (const { name, links } of hosts) {
    for (const i of links.keys()) macs.set(`${name}/${i}`, (await lab.must(name, `ip -br link show dev eth${i}`)).split(/\s+/)[2] ?? '');
  }
  for (const { name, links } of hosts) {
    const entries = links.flatMap(({ segment }, i) =>
      hosts
        .filter((other) => other.name !== name)
        .flatMap((other) =>
          other.links.flatMap((link, j) =>
            link.segment === segment
              ? link.addresses.map(
                  (a) => `neigh replace ${a.replace(/\/\d+$/, '')} lladdr ${macs.get(`${other.name}/${j}`)} dev eth${i} nud permanent`,
                )
              : [],
          ),
        ),
    );
    await lab.must(
      name,
      `for f in /proc/sys/net/ipv?/conf/*/accept_redirects; do echo 0 > "$f"; done\nip -batch - <<'END'\n${entries.join('\n')}\nEND`,
    );
  }
}

function isOf({ vip, service }: Walk, { to, port, kind }: ProbePlan): boolean {
  return vip === to && (service.protocol === 'udp') === (kind === 'dns') && service.listeners.some((listener) => listener.port === port);
}
