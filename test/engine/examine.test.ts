import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSnapshots } from '../../src/host/snapshot-file.js';
import type { FactName, Snapshot } from '../../src/types.js';
import { addressOf, articleSnapshots, type Change, type Hosts, upstreams } from '../kit/article.js';
import { changeFact, changeMaster, dropMarkRules, dropRoute, dropSockets, editConfig, removeHost, setSysctl } from '../kit/change.js';
import { causesOf, examineArticle, ruleThat } from '../kit/rules.js';
import { broughtAbout } from '../kit/standing-risks.js';

const others = upstreams.slice(1).map((name) => removeHost(name));

describe('hosts that nobody named', () => {
  test('nginx alone is judged by what it shows itself', () => {
    const report = examineArticle([removeHost('client'), removeHost('dev1'), ...others]);
    expect({ causes: causesOf(report), verdict: report.verdict }).toEqual({ causes: [], verdict: 'healthy' });
    const missing = report.notExamined.filter(({ settle }) => settle?.includes('--host'));
    expect(upstreams.every((name) => missing.some(({ why }) => why.includes(addressOf(name))))).toBe(true);
  });

  test('nginx and one upstream: nobody else is accused, all of them are listed', () => {
    const report = examineArticle([removeHost('client'), ...others]);
    expect({ causes: causesOf(report), verdict: report.verdict }).toEqual({ causes: [], verdict: 'healthy' });
    expect(report.notExamined.some(({ why }) => why.includes(addressOf('dev2')))).toBe(true);
    expect(report.notExamined.some(({ why }) => why.includes(`${addressOf('dev1')} is on none`))).toBe(false);
  });

  test('a fault of nginx is found without any other host', () => {
    const report = examineArticle([removeHost('client'), removeHost('dev1'), ...others, dropMarkRules('proxy')]);
    expect(causesOf(report)).toEqual(['proxy/policy-rule-missing proxy']);
    expect(report.verdict).toBe('faulty');
  });

  test('a fault of the one named upstream is found', () => {
    const report = examineArticle([...others, dropRoute('dev1', '0.0.0.0/0')]);
    expect(causesOf(report)).toEqual(['upstream/no-route-to-client dev1']);
  });

  test('an upstream alone shows no service, which is undetermined', () => {
    const report = examineArticle([removeHost('client'), removeHost('proxy'), ...others]);
    expect({ causes: causesOf(report), verdict: report.verdict }).toEqual({ causes: [], verdict: 'undetermined' });
    expect(report.notExamined.length).toBeGreaterThan(0);
  });
});

describe('the verdict over whole cases', () => {
  test('no host at all is undetermined', () => {
    const report = examineArticle((hosts) => hosts.clear());
    expect(report.verdict).toBe('undetermined');
  });

  test('a named host that was not reached makes it undetermined, and a fault beats that', () => {
    expect(examineArticle(removeHost('dev4'), { unreached: ['dev4'] }).verdict).toBe('undetermined');
    expect(examineArticle([removeHost('dev4'), dropMarkRules('proxy')], { unreached: ['dev4'] }).verdict).toBe('faulty');
  });

  test('a risk alone is healthy', () => {
    const report = examineArticle(setSysctl('proxy', 'net/ipv4/udp_early_demux', 1));
    expect(broughtAbout(report.diagnoses)).toHaveLength(1);
    expect(report.verdict).toBe('healthy');
  });

  test('a rule that throws is told and leaves doubt', () => {
    const broken = ruleThat(() => {
      throw new Error('oops');
    });
    const report = examineArticle([], { rules: new Map([['x/broken', broken]]) });
    expect(report.verdict).toBe('undetermined');
    expect(report.notExamined).toContainEqual(expect.objectContaining({ what: 'x/broken' }));
  });

  test('what was skipped is listed and counts for nothing', () => {
    const report = examineArticle([], { skipped: ['proxy/mark-rule-missing', 'dsr/forwarding-off'] });
    expect(report.verdict).toBe('healthy');
    expect(report.notExamined.map(({ what }) => what)).toEqual(expect.arrayContaining(['proxy/mark-rule-missing', 'dsr/forwarding-off']));
  });
});

/** A second nginx host with the same configuration. */
const secondProxy: Change = (hosts) => {
  const proxy = hosts.get('proxy');
  if (proxy) hosts.set('proxy2', { ...proxy, host: 'proxy2' });
};

test('a service that two hosts have bears the name of its host', () => {
  const ids = examineArticle(secondProxy).services.map(({ id }) => id);
  expect(ids).toHaveLength(8);
  expect(new Set(ids).size).toBe(8);
  expect(ids.filter((id) => id.startsWith('proxy/') || id.startsWith('proxy2/'))).toHaveLength(8);
});

test('a service that one host alone has keeps its plain name', () => {
  const report = examineArticle([secondProxy, editConfig('listen 5300 udp;', 'listen 5301 udp;', 'proxy2')]);
  expect(report.services.map(({ id }) => id)).toEqual(expect.arrayContaining(['udp:5300', 'udp:5301', 'proxy/udp:53', 'proxy2/udp:53']));
});

test('one of several masters can be picked', () => {
  const two = changeFact('proxy', 'nginx', (nginx) => ({
    ...nginx,
    masters: nginx.masters.flatMap((master) => [master, { ...master, pid: 800 }]),
  }));
  expect(examineArticle(two, { nginxPid: 700 }).services).toHaveLength(4);
  expect(examineArticle(two, { nginxPid: 800 }).services).toEqual([]);
});

test('clients of a named prefix are judged each: one end may fail alone', () => {
  const near = dropRoute('dev1', '0.0.0.0/0');
  const report = examineArticle(near, { clients: ['192.168.99.0/24'] });
  expect(causesOf(report)).toEqual(['upstream/no-route-to-client dev1']);
});

test('modes of DSR services are told by where the replies are rewritten', () => {
  expect(Object.fromEntries(examineArticle().services.map(({ id, mode }) => [id, mode]))).toEqual({
    'http:80/#web': 'transparent',
    'http:80/#web6': 'transparent',
    'udp:53': 'dsr-router-nat',
    'udp:5300': 'transparent',
  });
});

const faults: readonly (Change | readonly Change[])[] = [
  [],
  dropMarkRules('proxy'),
  [dropRoute('proxy', '0.0.0.0/0', '100'), dropSockets('dev1', 80)],
  [dropRoute('dev3', '0.0.0.0/0'), changeMaster({ uid: 33 })],
];

test.each(faults.map((change, index) => [index, change] as const))(
  'snapshots that were taken apart and went through a file are judged the same (%i)',
  (_index, change) => {
    const parse = (hosts: Hosts) => {
      for (const [name, snapshot] of [...hosts].reverse()) {
        const { kernelRoutes: _asked, ...facts } = snapshot.facts;
        hosts.delete(name);
        hosts.set(name, JSON.parse(JSON.stringify({ ...snapshot, facts })) as Snapshot);
      }
    };
    const [live, merged] = [examineArticle(change), examineArticle([change, parse].flat())];
    expect(merged.diagnoses.map(({ fix, ...rest }) => rest.cause + rest.host)).toEqual(
      live.diagnoses.map(({ fix, ...rest }) => rest.cause + rest.host),
    );
    expect(merged.verdict).toBe(live.verdict);
    expect(merged.diagnoses.map(({ fix }) => fix)).toEqual(live.diagnoses.map(({ fix }) => fix));
  },
);

const hostNames = ['client', 'proxy', ...upstreams];
const factNames = Object.keys(articleSnapshots().get('proxy')?.facts ?? {}) as FactName[];
const lost = fc.record({ host: fc.constantFrom(...hostNames), fact: fc.constantFrom(...factNames), absent: fc.boolean() });

/** Takes a fact away, as if it could not be read, or had never been asked for. */
const lose =
  ({ host, fact, absent }: { host: string; fact: FactName; absent: boolean }): Change =>
  (hosts) => {
    const snapshot = hosts.get(host);
    if (!snapshot) return;
    const { [fact]: _gone, ...rest } = snapshot.facts;
    hosts.set(host, { ...snapshot, facts: absent ? rest : { ...rest, [fact]: { ok: false, why: 'permission denied' } } });
  };

const patience = 60_000;

test('facts that are missing accuse no one, whichever they are', { timeout: patience }, () => {
  fc.assert(
    fc.property(fc.array(lost, { minLength: 1, maxLength: 6 }), (losses) => {
      expect(causesOf(examineArticle(losses.map(lose)))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('each fact of each host alone: its loss accuses no one', { timeout: patience }, () => {
  for (const host of ['client', 'proxy', 'dev1'])
    for (const fact of factNames) expect([fact, ...causesOf(examineArticle(lose({ host, fact, absent: false })))]).toEqual([fact]);
});

/** A value somewhere inside the facts is replaced by one of the same kind. */
const mutation = fc.record({
  host: fc.constantFrom(...hostNames),
  at: fc.nat(),
  text: fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('0.0.0.0/0', '::/0', 'lo', 'eth1', '172.16.0.11', 'fd00:16::11', '100')),
  number: fc.integer({ min: -1, max: 70_000 }),
});

function mutate(value: unknown, at: { left: number }, text: string, number: number): unknown {
  if (typeof value === 'string') return at.left-- === 0 ? text : value;
  if (typeof value === 'number') return at.left-- === 0 ? number : value;
  if (typeof value === 'boolean') return at.left-- === 0 ? !value : value;
  if (Array.isArray(value)) return value.map((item) => mutate(item, at, text, number));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mutate(item, at, text, number)]));
}

function leaves(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, item) => sum + leaves(item), 0);
}

/** Snapshots as they come out of a file that somebody else wrote. */
const throughFile: Change = (hosts) => {
  const read = parseSnapshots(JSON.stringify({ format: 1, snapshots: [...hosts.values()] }), 'case.json');
  if (!read.ok) throw new Error(read.why);
  for (const snapshot of read.snapshots) hosts.set(snapshot.host, snapshot);
};

test('snapshots are judged the same when they come out of a file', () => {
  expect(examineArticle([throughFile]).verdict).toBe('healthy');
});

test('whatever the facts of a file say, nothing throws', { timeout: patience }, () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const changes = mutations.map(
        ({ host, at, text, number }): Change =>
          (hosts) => {
            const snapshot = hosts.get(host);
            if (!snapshot) return;
            const facts = mutate(snapshot.facts, { left: at % leaves(snapshot.facts) }, text, number) as Snapshot['facts'];
            hosts.set(host, { ...snapshot, facts });
          },
      );
      const { notExamined } = examineArticle([...changes, throughFile]);
      expect(notExamined.filter(({ why }) => why.startsWith("tpdoctor's own error"))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
