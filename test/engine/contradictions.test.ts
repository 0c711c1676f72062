import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildCase } from '../../src/engine/case.js';
import { loadRules } from '../../src/engine/catalogue.js';
import { diagnose } from '../../src/engine/diagnose.js';
import type { FactName, FirewallTable } from '../../src/types.js';
import { articleSnapshots, type Change, client, parseIptables, upstreams } from '../kit/article.js';
import { addAddress, changeFact, loseFact, removeHost, setIptables } from '../kit/change.js';

const rules = await loadRules();
const names = ['client', 'proxy', ...upstreams];
const host = fc.constantFrom(...names);
const fact = fc.constantFrom<FactName>('addresses', 'links', 'routes', 'policyRules', 'sysctls', 'sockets', 'neighbours', 'trafficControl');

/** What another host has, in the place of one's own: snapshots that cannot all be true. */
const swapped = fc.tuple(host, host, fact).map(
  ([to, from, name]): Change =>
    (hosts) => {
      const [own, other] = [hosts.get(to), hosts.get(from)];
      if (own && other) hosts.set(to, { ...own, facts: { ...own.facts, [name]: other.facts[name] } });
    },
);

const doubled = fc
  .tuple(host, fc.constantFrom('172.16.0.1/28', '172.16.0.11/28', '192.168.99.10/24', `${client}/24`))
  .map(([name, prefix]): Change => addAddress(name, 'eth0', prefix));

const apart = fc
  .tuple(host, fc.integer({ min: -1e9, max: 1e9 }))
  .map(([name, seconds]): Change => changeFact(name, 'clock', (clock) => ({ ...clock, epochSeconds: clock.epochSeconds + seconds })));

/** Rules that nobody can evaluate, sets that are not there, chains that lead in circles. */
const strange = fc
  .tuple(
    host,
    fc.subarray([
      '-A INPUT -m bpf --bytecode "1,6 0 0 1" -j DROP',
      '-A INPUT -m set --match-set gone src -j DROP',
      '-A INPUT -m nonsense -j ACCEPT',
      '-A INPUT -j ROUND',
      '-A ROUND -m recent --rcheck -j ROUND',
      '-A PREROUTING -j UNHEARD-OF',
    ]),
    fc.constantFrom('filter', 'mangle', 'nat'),
  )
  .map(([name, lines, table]): Change => setIptables(name, table, lines));

const hollow: fc.Arbitrary<Change> = host.map((name) =>
  changeFact(name, 'iptablesNft', (): FirewallTable[] =>
    parseIptables('*filter\n:INPUT DROP [0:0]\nCOMMIT\n').map((table) => ({ ...table, chains: [] })),
  ),
);

const change = fc.oneof(
  swapped,
  doubled,
  apart,
  strange,
  hollow,
  host.map(removeHost),
  fc.tuple(host, fact).map(([name, lost]) => loseFact(name, lost)),
);

test('snapshots that contradict each other are judged in bounded time, and no fault is told where every way of its services is whole or unknown', {
  timeout: 120_000,
}, () => {
  let faults = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
      const snapshots = articleSnapshots();
      for (const apply of changes)
        try {
          apply(snapshots);
        } catch {
          // Nothing left to change there.
        }
      const options = { clients: [client], roles: new Map() };
      const started = performance.now();
      const first = buildCase(snapshots, options);
      const { diagnoses } = diagnose(first, rules, options);
      expect(performance.now() - started).toBeLessThan(20_000);
      const broken = new Set(first.walks.filter(({ end }) => end === 'broken').map(({ service }) => service.id));
      for (const { cause, severity, certainty, services } of diagnoses)
        if (severity === 'fault' && certainty !== 'possible') {
          faults += 1;
          // A fault that shows behind another may concern further services.
          expect({ cause, services, broken: services.some((id) => broken.has(id)) }).toMatchObject({ broken: true });
        }
    }),
    { numRuns: 500 },
  );
  // Or nothing was held against anything.
  expect(faults).toBeGreaterThan(10);
});
