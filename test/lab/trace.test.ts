import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/types.js';
import { framesOf } from '../kit/timeline.js';
import { captureOn, diagnosed, trace, traceProcess } from './doctor.js';
import { inLab } from './in-lab.js';
import { failures, inLabOf } from './shown/show.js';

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
