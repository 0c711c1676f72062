import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PatternEnd, Report } from '../../src/types.js';
import { framesOf } from '../kit/timeline.js';
import { captureOn, diagnosed, trace, traceProcess } from './doctor.js';
import { inLab } from './in-lab.js';
import type { Lab } from './lab.js';
import { furtherFaults } from './scenarios/further.js';
import { faults } from './scenarios/index.js';

/** What packets show of a fault. */
interface Shown {
  fault: string;
  /** The listening port of a service that it breaks. */
  port: number;
  /** How transactions end, and where: after which interface of which host. */
  end: PatternEnd;
  at?: string;
  /** The upstreams whose transactions end so, all of them; absent: all upstreams. */
  upstreams?: readonly string[];
}

const [dev1, dev2, dev4] = ['172.16.0.11', '172.16.0.12', '172.16.0.14'];

const shown: readonly Shown[] = [
  { fault: 'proxy/mark-rule-missing (http)', port: 80, end: 'misdelivered' },
  { fault: 'proxy/policy-rule-missing', port: 80, end: 'misdelivered' },
  { fault: 'proxy/src-valid-mark', port: 80, end: 'vanished', at: 'proxy eth1' },
  { fault: 'dsr/reply-not-rewritten', port: 53, end: 'misdelivered' },
  { fault: 'dsr/rewrite-wrong-address', port: 53, end: 'misdelivered' },
  { fault: 'dsr/forwarding-off', port: 53, end: 'vanished', at: 'proxy eth1' },
  { fault: 'nginx/dsr-without-client-port', port: 53, end: 'misdelivered' },
  { fault: 'upstream/rp-filter-drops-request', port: 53, end: 'vanished', at: 'dev2 eth0', upstreams: [dev2] },
  { fault: 'upstream/no-route-to-client', port: 80, end: 'vanished', at: 'dev4 eth0', upstreams: [dev4] },
  { fault: 'upstream/firewall-drops-request (dropped)', port: 80, end: 'vanished', at: 'dev1 eth0', upstreams: [dev1] },
  { fault: 'upstream/reply-bypasses-proxy', port: 80, end: 'misdelivered', upstreams: [dev2] },
  { fault: 'upstream/not-listening (another port)', port: 80, end: 'refused', upstreams: [dev1] },
  { fault: 'proxy/mark-rule-steals-dsr-replies', port: 53, end: 'vanished', at: 'proxy eth1' },
  { fault: 'proxy/upstream-on-this-host', port: 80, end: 'misdelivered', upstreams: ['172.16.0.1'] },
  {
    fault: 'proxy/local-route-missing (one-armed, IPv6)',
    port: 80,
    end: 'vanished',
    at: 'proxy eth0',
    upstreams: ['fd00:20::11', 'fd00:20::12'],
  },
  { fault: 'dsr/forwarding-off (on the way back)', port: 53, end: 'vanished', at: 'back eth1', upstreams: ['172.30.0.11', '172.30.0.12'] },
  { fault: 'proxy/mark-rule-missing (on one of a pair)', port: 80, end: 'misdelivered', upstreams: ['172.16.0.21', '172.16.0.22'] },
  { fault: 'proxy/local-route-missing', port: 80, end: 'misdelivered' },
  { fault: 'upstream/firewall-drops-request (rejected)', port: 80, end: 'refused', upstreams: [dev1] },
  { fault: 'network/spoofed-source-dropped', port: 80, end: 'vanished', at: 'proxy eth1' },
  {
    fault: 'proxy/local-route-missing (behind a router)',
    port: 80,
    end: 'vanished',
    at: 'proxy eth1',
    upstreams: ['172.30.0.11', '172.30.0.12'],
  },
  { fault: 'network/reply-lost-between-hosts', port: 80, end: 'vanished', at: 'dev2 eth0', upstreams: [dev2] },
];

const all = [...faults, ...furtherFaults];

async function inLabOf(name: string, use: (lab: Lab, fault: (typeof all)[number]) => Promise<void>): Promise<void> {
  const fault = all.find((each) => each.name === name);
  if (!fault) throw new Error(`no fault is called ${name}`);
  await inLab(fault, (lab) => use(lab, fault));
}

/** Upstreams with a transaction that failed, and how those of each ended. */
function failures({ trace: seen }: Report): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { upstream = 'none', end, vanishedAfter } of seen?.patterns ?? []) {
    // When all upstreams have failed, nginx refuses by itself for some seconds.
    if (end === 'delivered' || (end === 'refused' && upstream === 'none')) continue;
    const where = vanishedAfter ? ` after ${vanishedAfter.host} ${vanishedAfter.iface}` : '';
    found.set(upstream, (found.get(upstream) ?? new Set()).add(`${end}${where}`));
  }
  return found;
}

describe.concurrent('packets on all hosts', () => {
  for (const { fault: name, port, end, at, upstreams = ['172.16.0.11', '172.16.0.12', '172.16.0.13', '172.16.0.14'] } of shown) {
    it(`show where transactions end: ${name}`, () =>
      inLabOf(name, async (lab, fault) => {
        const { exitCode, report } = await trace(lab, ['--port', String(port), '--probe']);
        expect(diagnosed(report)).toEqual([`fault ${fault.cause} on ${fault.host}`]);
        expect(report.diagnoses[0]?.certainty).toBe('proven');
        expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 1, verdict: 'faulty' });
        const where = at === undefined ? end : `${end} after ${at}`;
        expect(failures(report)).toEqual(new Map(upstreams.map((upstream) => [upstream, new Set([where])])));
        const { transactions, patterns, points } = report.trace ?? {
          transactions: { total: 0, failed: 0, ambiguous: 0 },
          patterns: [],
          points: [],
        };
        expect(transactions.ambiguous).toBe(0);
        expect(transactions.failed).toBe(patterns.filter((each) => each.end !== 'delivered').reduce((sum, { count }) => sum + count, 0));
        expect(points.every(({ dropped }) => dropped === 0)).toBe(true);
      }));
  }
});

describe('a transaction that comes through', () => {
  it('shows that its source was rewritten on the way', () =>
    inLabOf('proxy/masquerade-hides-client', async (lab) => {
      const { exitCode, report } = await trace(lab, ['--port', '80', '--probe']);
      expect(diagnosed(report)).toEqual(['fault proxy/masquerade-hides-client on proxy']);
      expect({ exitCode, certainty: report.diagnoses[0]?.certainty, failed: failures(report) }).toEqual({
        exitCode: 1,
        certainty: 'proven',
        failed: new Map(),
      });
      const toUpstreams = (report.trace?.patterns ?? []).filter(({ upstream = '' }) => upstream.startsWith('172.16.'));
      expect(toUpstreams.length).toBeGreaterThan(0);
      for (const { path } of toUpstreams)
        expect(path.some(({ note = '' }) => note.includes('source is 172.16.0.1, not the client'))).toBe(true);
    }));
});

describe('a trace that could go on for a minute', () => {
  it.each([
    ['Ctrl-C', []],
    ['enough transactions', ['--count', '1']],
  ] as const)('is ended by %s, and tells of one failing request within five seconds', (_, args) =>
    inLabOf('dsr/reply-not-rewritten', async (lab) => {
      const running = traceProcess(lab, ['--port', '53', '--duration', '60', ...args]);
      await captureOn(lab);
      const asked = Date.now();
      await lab.exec('client', 'dig +short +time=1 +tries=1 @192.168.99.10 www.example.com || true');
      if (args.length === 0) running.kill('SIGINT');
      const { exitCode, stdout } = await running;
      const report = JSON.parse(stdout) as Report;
      expect({ exitCode, found: diagnosed(report), transactions: report.trace?.transactions }).toEqual({
        exitCode: 1,
        found: ['fault dsr/reply-not-rewritten on proxy'],
        transactions: { total: 1, complete: 0, failed: 1, ambiguous: 0 },
      });
      expect(Date.now() - asked).toBeLessThan(5000);
    }),
  );
});

/** One timeline of all that was captured, which says where the transactions failed that the report counts. */
async function expectMerged(directory: string, captures: readonly string[], { trace: seen }: Report): Promise<void> {
  const frames = await framesOf(join(directory, 'merged.pcapng'));
  const counts = await Promise.all(captures.map(async (name) => (await framesOf(join(directory, name))).length));
  expect(frames).toHaveLength(counts.reduce((sum, count) => sum + count, 0));
  expect(frames.every(({ time }, n) => n === 0 || time >= (frames[n - 1]?.time ?? 0))).toBe(true);
  const ended = frames.filter(({ comment }) => comment.includes('ended: misdelivered'));
  expect(ended.length).toBeGreaterThan(0);
  expect(ended).toHaveLength(seen?.transactions.failed ?? -1);
  expect(frames.some(({ comment }) => comment.includes('began: misdelivered'))).toBe(true);
}

describe('what was captured', () => {
  it('tells the same from files, without any host, and with the snapshots the same cause', () =>
    inLabOf('dsr/reply-not-rewritten', async (lab) => {
      const [written, snapshots] = ['captured', 'snapshots.json'].map((name) => join(lab.directoryOf('client'), name)) as [string, string];
      const { report: live } = await trace(lab, ['--port', '53', '--probe', '--write', written, '--save', snapshots]);
      const captures = (await readdir(written)).filter((name) => name !== 'merged.pcapng');
      await expectMerged(written, captures, live);
      const files = captures.flatMap((name) => ['--read', `${name.split('-')[0]}=${join(written, name)}`]);
      const alone = await trace(lab, ['--port', '53', ...files], []);
      const whole = await trace(lab, [snapshots, '--port', '53', ...files], []);
      for (const { report } of [alone, whole]) {
        expect(failures(report)).toEqual(failures(live));
        expect(report.trace?.transactions).toEqual(live.trace?.transactions);
      }
      expect({ exitCode: alone.exitCode, diagnoses: alone.report.diagnoses }).toEqual({ exitCode: 2, diagnoses: [] });
      expect(whole.exitCode).toBe(1);
      expect(diagnosed(whole.report)).toEqual(['fault dsr/reply-not-rewritten on proxy']);
      expect(whole.report.diagnoses[0]?.certainty).toBe('proven');
    }));
});

describe('a healthy setup', () => {
  it('delivers all, over every upstream', () =>
    inLab({ changes: [] }, async (lab) => {
      const { exitCode, report } = await trace(lab, ['--probe']);
      expect(failures(report)).toEqual(new Map());
      expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
      expect(new Set(report.trace?.patterns.map(({ service, upstream }) => `${service} ${upstream}`)).size).toBe(20);
    }));
});
