import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildCase } from '../../src/engine/case.js';
import { passThrough } from '../../src/path/legs/pass-through.js';
import { Trail } from '../../src/path/trail.js';
import { factOf } from '../../src/path/world.js';
import type { FactName, Facts, PolicyRule, Route, Snapshot, Walk } from '../../src/types.js';
import { addressOf, articleCase, articleSnapshots, type Change, client, upstreams, vip } from '../kit/article.js';
import { addAddress, changeFact, loseFact, removeHost, setForwarding, setSysctl } from '../kit/change.js';

const hosts = ['client', 'proxy', ...upstreams] as const;
const touched: readonly FactName[] = [
  'links',
  'addresses',
  'neighbours',
  'policyRules',
  'routes',
  'sysctls',
  'iptablesNft',
  'iptablesLegacy',
  'nft',
  'trafficControl',
  'sockets',
  'nginx',
];
const address = fc.constantFrom(client, vip, '172.16.0.1', ...upstreams.map(addressOf), '192.0.2.1', 'fd00:16::11', '::', 'nonsense');
const prefix = fc.tuple(address, fc.constantFrom('', '/0', '/8', '/24', '/28', '/64', '/999')).map(([text, length]) => text + length);
const link = fc.constantFrom('lo', 'eth0', 'eth1', 'gone', '');
const table = fc.constantFrom('local', 'main', 'default', '100', 'gone');
const family = fc.constantFrom(4 as const, 6 as const);

const randomRoute: fc.Arbitrary<Route> = fc.record({
  family,
  type: fc.constantFrom('unicast', 'local', 'broadcast', 'blackhole', 'unreachable', 'prohibit', 'throw', 'other'),
  to: prefix,
  table,
  nextHops: fc.array(fc.record({ link, via: address, dead: fc.boolean() }, { requiredKeys: [] }), { maxLength: 2 }),
  metric: fc.nat({ max: 3 }),
});

const randomRule: fc.Arbitrary<PolicyRule> = fc.record(
  {
    family,
    priority: fc.nat({ max: 32_768 }),
    action: fc.constantFrom('table', 'blackhole', 'goto', 'nop', 'other'),
    table,
    goto: fc.nat({ max: 32_768 }),
    not: fc.boolean(),
    from: prefix,
    to: prefix,
    iif: link,
    mark: fc.nat({ max: 3 }),
    suppressPrefixLength: fc.nat({ max: 32 }),
    other: fc.constant('tos 0x10'),
  },
  { requiredKeys: ['family', 'priority', 'action'] },
);

const host = fc.constantFrom(...hosts);

/** The fact of another host in the place of one's own: addresses that two hosts have, next hops that lead in circles, links that are not there. */
function swap(to: string, from: string, name: FactName): Change {
  return (snapshots) => {
    const [own, other] = [snapshots.get(to), snapshots.get(from)];
    if (own && other) snapshots.set(to, { ...own, facts: { ...own.facts, [name]: other.facts[name] } });
  };
}

function add<N extends 'routes' | 'policyRules'>(to: string, name: N, value: Facts[N][number]): Change {
  return changeFact(to, name, (list) => [value, ...list] as unknown as Facts[N]);
}

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(host, fc.constantFrom(...touched)).map(([name, fact]) => loseFact(name, fact)),
  fc.tuple(host, host, fc.constantFrom(...touched)).map(([to, from, fact]) => swap(to, from, fact)),
  { weight: 3, arbitrary: fc.tuple(host, randomRoute).map(([name, route]) => add(name, 'routes', route)) },
  { weight: 3, arbitrary: fc.tuple(host, randomRule).map(([name, rule]) => add(name, 'policyRules', rule)) },
  fc
    .tuple(host, fc.constantFrom('rp_filter', 'accept_local', 'forwarding'), link, fc.nat({ max: 2 }))
    .map(([name, key, on, value]) => setSysctl(name, `net/ipv4/conf/${on}/${key}`, value)),
  host.map(removeHost),
);

/** Walks after changes of which those that no longer fit (the fact is lost, the host gone) are passed over. */
function walksAfter(changes: readonly Change[]): { walks: readonly Walk[]; snapshots: ReadonlyMap<string, Snapshot> } {
  const snapshots = articleSnapshots();
  for (const apply of changes)
    try {
      apply(snapshots);
    } catch {
      // Nothing left to change there.
    }
  return { snapshots, walks: buildCase(snapshots, { clients: [client], roles: new Map() }).walks };
}

describe('any walk', () => {
  it('is finite, ends at its first broken step, and tells a host, a packet and a reason at every step', () => {
    const ends = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const { walks, snapshots } = walksAfter(changes);
        for (const { steps, end } of walks) {
          ends.set(end, (ends.get(end) ?? 0) + 1);
          const outcomes = steps.map(({ outcome }) => outcome);
          expect(steps.length).toBeLessThan(80);
          expect(outcomes.slice(0, -1)).not.toContain('broken');
          const [open, stopped] = [outcomes.includes('unknown'), outcomes.at(-1) === 'broken'];
          // What could not be read before may explain the break: then it is not certain.
          expect(open ? ['broken', 'unknown'] : [stopped ? 'broken' : 'whole']).toContain(end);
          if (end === 'broken') expect(stopped).toBe(true);
          for (const step of steps) {
            expect(snapshots.has(step.host)).toBe(true);
            expect(step.did).toMatch(/\S/);
            expect(step.packet.mark).toBe(step.packet.mark >>> 0);
          }
        }
      }),
      { numRuns: 300, seed: 11 },
    );
    for (const end of ['whole', 'broken', 'unknown']) expect(ends.get(end)).toBeGreaterThan(20);
  });

  it('leaves the snapshots as they were', () => {
    const snapshots = articleSnapshots();
    const before = JSON.stringify([...snapshots]);
    buildCase(snapshots, { clients: [client], roles: new Map() });
    expect(JSON.stringify([...snapshots])).toBe(before);
  });
});

/** The last step of every IPv4 walk of a service, each once. */
function lastSteps(service: string, ...changes: readonly Change[]): string[] {
  const walks = articleCase({ change: changes, clients: [client] }).walks.filter((walk) => walk.service.id === service);
  return [...new Set(walks.map(({ steps }) => `${steps.at(-1)?.host} ${steps.at(-1)?.code}`))];
}

describe('an address that two hosts have', () => {
  const ends = (...changes: readonly Change[]) =>
    articleCase({ change: changes, clients: [client] }).walks.map(({ end, steps }) => ({ end, did: steps.at(-1)?.did ?? '' }));

  it('leaves the way unknown, with the hosts that claim it', () => {
    const found = ends(addAddress('dev4', 'eth0', '172.16.0.1/28')).filter(({ did }) => did.includes('172.16.0.1 is an address of'));
    expect(found.length).toBeGreaterThan(0);
    for (const { end, did } of found) expect({ end, did }).toMatchObject({ end: 'unknown', did: expect.stringContaining('dev4') });
  });

  it('is told by the neighbour table, as a floating address is', () => {
    const mac = factOf(articleSnapshots().get('proxy'), 'links')?.find(({ name }) => name === 'eth1')?.mac ?? '';
    const seen = ['dev1', 'dev2', 'dev3'].map((name) =>
      changeFact(name, 'neighbours', () => [{ address: '172.16.0.1', link: 'eth0', mac, states: ['REACHABLE'] }]),
    );
    const found = ends(addAddress('dev4', 'eth0', '172.16.0.1/28'), ...seen).filter(({ did }) => did.includes('is an address of'));
    expect(found).toEqual([]);
  });
});

describe('a broken walk', () => {
  const proxyRoutes = (keep: (route: Route) => boolean) => changeFact('proxy', 'routes', (all) => all.filter(keep));
  it.each<[string, string, Change, string[]]>([
    ['the local route is gone', 'udp:5300', proxyRoutes(({ table: name }) => name !== '100'), ['proxy not-taken-in']],
    ['nothing marks the replies', 'udp:5300', changeFact('proxy', 'iptablesNft', () => []), ['proxy not-taken-in']],
    ['DSR replies are not forwarded', 'udp:53', setForwarding('proxy', 0), ['proxy not-forwarded']],
    [
      'the upstreams do not know the way',
      'udp:5300',
      changeFact('dev1', 'routes', (all) => all.filter(({ to }) => to !== '0.0.0.0/0')),
      ['dev1 source-invalid', 'proxy delivered'],
    ],
    [
      'the mark goes into source validation',
      'udp:5300',
      setSysctl('proxy', 'net/ipv4/conf/all/src_valid_mark', 1),
      ['proxy source-invalid'],
    ],
    [
      'no worker is left',
      'udp:53',
      changeFact('proxy', 'nginx', (value) => ({ ...value, masters: value.masters.map((m) => ({ ...m, workers: [] })) })),
      ['proxy worker-dead'],
    ],
    ['nothing listens', 'udp:53', changeFact('dev2', 'sockets', () => []), ['client delivered', 'dev2 not-listening']],
    ['the rewrite is gone', 'udp:53', changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] })), ['proxy not-rewritten']],
  ])('ends where %s', (_, service, change, expected) => {
    expect(lastSteps(service, change).sort()).toEqual(expected);
  });

  it('of IPv6 ends where forwarding is off, although the routing decision does not tell', () => {
    const reply = { family: 6, protocol: 17, source: 'fd00:16::11', destination: 'fd00:99::50', mark: 0 } as const;
    const cross = (value: 0 | 1): string[] => {
      const trail = new Trail(articleSnapshots(setForwarding('proxy', value)), 'dev1', reply);
      trail.arrive('proxy', 'eth1');
      passThrough(trail, 'new');
      return trail.steps.map(({ code }) => code).filter((code) => code !== 'firewall-accepted');
    };
    expect(cross(1)).toEqual(['forwarded']);
    expect(cross(0)).toEqual(['not-forwarded']);
  });
});
