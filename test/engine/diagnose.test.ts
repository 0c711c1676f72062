import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markReplies } from '../../src/cures/mark-replies.js';
import { diagnose } from '../../src/engine/diagnose.js';
import type { Conclusion } from '../../src/types.js';
import { articleCase, type Change, mangle4 } from '../kit/article.js';
import {
  addAddress,
  addRoute,
  changeFact,
  changeMarkRules,
  changeMaster,
  changeWorkers,
  dropMarkRules,
  dropRoute,
  dropSockets,
  editConfig,
  setForwarding,
  setIptables,
  setSysctl,
} from '../kit/change.js';
import { defaultRoute } from '../kit/host.js';
import { causesOf, commands, edits, examineArticle, leftAfterCures, ruleThat } from '../kit/rules.js';
import { broughtAbout } from '../kit/standing-risks.js';

/** Each cause once, as a change of the healthy hosts. */
const faults: Record<string, Change | readonly Change[]> = {
  'worker/cannot-spoof proxy': [changeMaster({ uid: 33 }), changeWorkers({ effectiveCapabilities: '0' })],
  'nginx/transparent-keyword-missing proxy': editConfig('proxy_bind $remote_addr transparent;', 'proxy_bind $remote_addr;'),
  'proxy/mark-rule-missing proxy': [setIptables('proxy', 'mangle', []), setIptables('proxy', 'mangle', [], { family: 6 })],
  'proxy/policy-rule-missing proxy': dropMarkRules('proxy'),
  'proxy/local-route-missing proxy': [dropRoute('proxy', '0.0.0.0/0', '100'), dropRoute('proxy', '::/0', '100')],
  'proxy/src-valid-mark proxy': setSysctl('proxy', 'net/ipv4/conf/all/src_valid_mark', 1),
  'upstream/not-listening dev1': dropSockets('dev1', 80),
  'upstream/no-route-to-client dev2': dropRoute('dev2', '0.0.0.0/0'),
  'upstream/reply-bypasses-proxy dev3': [dropRoute('dev3', '0.0.0.0/0'), addRoute('dev3', defaultRoute('172.16.0.2', 'eth0'))],
  'upstream/client-on-connected-subnet dev4': [
    changeFact('dev4', 'links', (links) => [
      ...links,
      { name: 'eth1', index: 3, up: true, state: 'UP', mtu: 1500, mac: '02:00:99:00:00:04' },
    ]),
    addAddress('dev4', 'eth1', '192.168.99.64/24'),
  ],
  'dsr/forwarding-off proxy': setForwarding('proxy', 0),
  'dsr/reply-not-rewritten proxy': changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] })),
  'upstream/firewall-drops-request dev2': setIptables('dev2', 'filter', ['-A INPUT -s 192.168.99.0/24 -j DROP']),
  'proxy/masquerade-hides-client proxy': setIptables('proxy', 'nat', ['-A POSTROUTING -o eth1 -j MASQUERADE']),
  'proxy/firewall-drops-reply proxy': setIptables('proxy', 'filter', ['-A INPUT -i eth1 ! -d 172.16.0.1/32 -j DROP']),
  'proxy/firewall-drops-client proxy': setIptables('proxy', 'raw', ['-A PREROUTING -i eth0 -p udp -m udp --dport 53 -j DROP']),
};
const names = Object.keys(faults);
const changesOf = (...chosen: readonly string[]): Change[] => chosen.flatMap((name) => faults[name] ?? []);

test.each(names)('%s alone is named once and mended', (name) => {
  expect(causesOf(examineArticle(changesOf(name)))).toEqual([name]);
  expect(leftAfterCures(changesOf(name))).toEqual([]);
});

const pairs = names.flatMap((a, index) => names.slice(index + 1).map((b) => [a, b] as const));

test.each(pairs)('%s and %s at once are both named, nothing else, and the cures in their order mend all', (a, b) => {
  const change = changesOf(a, b);
  const report = examineArticle(change);
  expect(causesOf(report).sort()).toEqual([a, b].sort());
  expect(broughtAbout(report.diagnoses).filter(({ fix }) => fix.length === 0)).toEqual([]);
  expect(leftAfterCures(change)).toEqual([]);
});

describe('faults on the same part of the path come in the order in which they must be cured', () => {
  const interception = ['proxy/mark-rule-missing proxy', 'proxy/policy-rule-missing proxy', 'proxy/local-route-missing proxy'];

  test('mark, policy rule and local route', () => {
    expect(causesOf(examineArticle(changesOf(...interception)))).toEqual(interception);
    expect(leftAfterCures(changesOf(...interception))).toEqual([]);
  });

  test('a host on which nothing was set up at all gets commands that fit each other', () => {
    const { diagnoses } = examineArticle(changesOf(...interception));
    const all = diagnoses
      .flatMap(({ fix }) => commands(fix))
      .filter((command) => !command.includes('6'.concat('tables')) && !command.includes('-6 '));
    expect(all.filter((command) => command.startsWith('ip '))).toEqual([
      'ip rule add fwmark 0x1 lookup 100 priority 32765',
      'ip route add local 0.0.0.0/0 dev lo table 100',
    ]);
  });

  test('worker, mark, way back of an upstream', () => {
    const order = ['worker/cannot-spoof proxy', 'upstream/no-route-to-client dev2', 'proxy/mark-rule-missing proxy'];
    const found = causesOf(examineArticle(changesOf(...order)));
    expect([...found].sort()).toEqual([...order].sort());
    expect(found[0]).toBe('worker/cannot-spoof proxy');
  });

  test('forwarding before rewriting', () => {
    const order = ['dsr/forwarding-off proxy', 'dsr/reply-not-rewritten proxy'];
    expect(causesOf(examineArticle(changesOf(...order)))).toEqual(order);
  });
});

test('any three or four faults at once are each named once, and nothing else', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...names), { minLength: 3, maxLength: 4 }), (chosen) => {
      expect(causesOf(examineArticle(changesOf(...chosen))).sort()).toEqual([...chosen].sort());
    }),
    { numRuns: 12 },
  );
});

test('symptoms are folded under their cause: one diagnosis explains every service and upstream that fails', () => {
  const [only] = examineArticle(changesOf('proxy/policy-rule-missing proxy')).diagnoses;
  expect(only?.explains).toHaveLength(only?.services.length ?? -1);
  expect(only?.services).toHaveLength(3);
});

test('risks come after faults', () => {
  const change = [...changesOf('upstream/not-listening dev1'), setSysctl('proxy', 'net/ipv4/udp_early_demux', 1)];
  expect(causesOf(examineArticle(change))).toEqual(['upstream/not-listening dev1', 'dsr/replies-caught-by-early-demux proxy']);
});

test('a mark rule for one service alone and a stopped upstream of another', () => {
  const change = [setIptables('proxy', 'mangle', mangle4.slice(0, 1)), dropSockets('dev1', 80)];
  const report = examineArticle(change);
  expect(causesOf(report).sort()).toEqual(['proxy/mark-rule-missing proxy', 'upstream/not-listening dev1']);
  expect(report.diagnoses.find(({ cause }) => cause === 'proxy/mark-rule-missing')?.services).toEqual(['udp:5300']);
});

test('a mark mismatch behind a worker that cannot spoof', () => {
  const change = [...changesOf('worker/cannot-spoof proxy'), changeMarkRules('proxy', { mark: 2 })];
  expect(causesOf(examineArticle(change))).toEqual(['worker/cannot-spoof proxy', 'proxy/policy-rule-mark-mismatch proxy']);
});

const options = { clients: [], roles: new Map() };
const conclusion = (rest: Partial<Conclusion>): Conclusion => ({
  host: 'proxy',
  severity: 'fault',
  certainty: 'proven',
  summary: '',
  steps: [],
  evidence: [],
  explains: [],
  verify: [],
  walks: [],
  cures: [],
  ...rest,
});

test('a rule that throws is a crash of its own and costs the others nothing', () => {
  const rules = new Map([
    [
      'a/throws',
      ruleThat(() => {
        throw new Error('oops');
      }),
    ],
    ['b/speaks', ruleThat(() => [conclusion({})])],
  ]);
  const { diagnoses, crashes } = diagnose(articleCase(), rules, options);
  expect(diagnoses.map(({ cause }) => cause)).toEqual(['b/speaks']);
  expect([...crashes]).toEqual([['a/throws', 'oops']]);
});

test('a cure that mends nothing is not printed', () => {
  const c = articleCase({ change: dropMarkRules('proxy') });
  const step = { host: 'proxy', kind: 'command' as const, run: 'true', why: '' };
  const idle = { host: 'proxy', steps: [step], apply: (snapshot: Parameters<Conclusion['cures'][number]['apply']>[0]) => snapshot };
  const rules = new Map([['a/useless', ruleThat((each) => [conclusion({ walks: each.walks, cures: [idle] })])]]);
  expect(diagnose(c, rules, options).diagnoses[0]?.fix).toEqual([]);
});

test('a cure begins where those before it on its host have led, also within one round', () => {
  const change = [
    setIptables('proxy', 'mangle', []),
    setIptables('proxy', 'mangle', [], { family: 6 }),
    changeFact('proxy', 'tools', () => ['ip', 'nft']),
  ];
  const marking = (id: string) =>
    ruleThat((c) => {
      const walks = c.walks.filter((walk) => walk.end === 'broken' && walk.service.id === id);
      const host = c.snapshots.get('proxy');
      const replies = walks.flatMap(({ steps }) => steps.at(-1)?.packet ?? []);
      return host && walks.length > 0 ? [conclusion({ walks, cures: markReplies(host, replies, 1, { socketMatch: false }) })] : [];
    });
  const rules = new Map(['http:80/#web', 'udp:5300'].map((id) => [`a/${id}`, marking(id)]));
  const { diagnoses } = diagnose(articleCase({ change }), rules, options);
  const tables = diagnoses.map(({ fix }) => commands(fix).map((command) => /create table (\w+ \w+)/.exec(command)?.[1]));
  expect(tables).toEqual([['ip transparent_proxy'], ['ip transparent_proxy_2']]);
});

test('of two cures that mend nothing yet, the one that moves the packet on is printed', () => {
  const change = [setIptables('proxy', 'mangle', ['-A PREROUTING -i eth1 -j ACCEPT']), dropMarkRules('proxy')];
  const [mark] = examineArticle(change).diagnoses.filter(({ cause }) => cause.startsWith('proxy/mark-rule'));
  expect(commands(mark?.fix ?? [])[0]).toContain(' -I PREROUTING ');
  expect(leftAfterCures(change)).toEqual([]);
});

test('what another fault hid of a known cause joins its diagnosis, with its part of the cure', () => {
  const change = [
    editConfig('proxy_bind $remote_addr transparent;', 'proxy_bind $remote_addr;'),
    dropSockets('dev2', 80),
    dropSockets('dev2', 53),
  ];
  const report = examineArticle(change);
  expect(causesOf(report).sort()).toEqual(['nginx/transparent-keyword-missing proxy', 'upstream/not-listening dev2']);
  const silent = report.diagnoses.find(({ cause }) => cause === 'upstream/not-listening');
  expect(silent?.services).toEqual(['http:80/#web', 'http:80/#web6', 'udp:53']);
  expect(edits(silent?.fix ?? [])).toHaveLength(3);
  expect(leftAfterCures(change)).toEqual([]);
});

test('broken walks that no rule explains are handed on', () => {
  const { diagnoses, unexplained } = diagnose(articleCase({ change: dropMarkRules('proxy') }), new Map(), options);
  expect(broughtAbout(diagnoses)).toEqual([]);
  expect(new Set(unexplained.map((walk) => walk.service.id))).toEqual(new Set(['http:80/#web', 'http:80/#web6', 'udp:5300']));
});

test('walks of a service that a fault explains are not left unexplained', () => {
  const rules = new Map([['a/knows', ruleThat((c) => [conclusion({ walks: c.walks.filter((walk) => walk.end === 'broken') })])]]);
  expect(diagnose(articleCase({ change: dropMarkRules('proxy') }), rules, options).unexplained).toEqual([]);
});
