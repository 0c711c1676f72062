import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/types.js';
import { captureOn, diagnosed, traceProcess } from './doctor.js';
import { inLab } from './in-lab.js';
import type { Lab } from './lab.js';
import { ask, forwardInKernel } from './load.js';

/*
 * A capture that is given too little time: its buffer fills, and the kernel drops what comes then.
 */

/** The processes that capture on a host: those with a packet socket in its namespace, of which the lab itself has none. */
async function capturing(lab: Lab, host: string): Promise<number[]> {
  const pids = (await execa('ip', ['netns', 'pids', lab.namespaceOf(host)])).stdout.split('\n').filter(Boolean);
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.flatMap((pid, n) =>
    /^(tcpdump|\S*node)\0/.test(commands[n] ?? '') && /pcap-child|^tcpdump/.test(commands[n] ?? '') ? Number(pid) : [],
  );
}

/** Lets a process do nothing most of the time, until told to stop: longer than its buffer lasts. */
async function slowDown(pid: number, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    process.kill(pid, 'SIGSTOP');
    await setTimeout(5000, undefined, { signal: until }).catch(() => undefined);
    process.kill(pid, 'SIGCONT');
    await setTimeout(300);
  }
}

describe('captures that drop packets', () => {
  it('prove no loss: what they did not see cannot be told, and they say how much that is', () =>
    inLab({ changes: [] }, async (lab) => {
      const stop = await forwardInKernel(lab);
      const enough = new AbortController();
      try {
        const running = traceProcess(lab, ['--port', '53', '--protocol', 'udp', '--duration', '60']);
        await captureOn(lab);
        const [pid = 0, ...others] = await capturing(lab, 'client');
        expect(others).toEqual([]);
        const slowed = slowDown(pid, enough.signal);
        const sent = await ask(lab, { requestsPerSecond: 12_000, seconds: 10 });
        enough.abort();
        await slowed;
        running.kill('SIGINT');
        const { stdout, exitCode } = await running;
        const report = JSON.parse(stdout) as Report;
        const { points = [], transactions = { total: 0, complete: 0, failed: 0, ambiguous: 0 } } = report.trace ?? {};
        const { packets = 0, dropped = 0 } = points.find(({ host }) => host === 'client') ?? {};
        expect(packets + dropped).toBe(2 * sent);
        expect(transactions.failed).toBe(0);
        // What a capture hands over five seconds late may find its transaction forgotten, now and then.
        expect(Math.abs(transactions.total - sent)).toBeLessThan(sent / 1000);
        expect(transactions.ambiguous).toBeGreaterThan(0);
        expect(diagnosed(report)).toEqual([]);
        expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 2, verdict: 'undetermined' });
        expect(report.notExamined).toContainEqual(
          expect.objectContaining({ what: 'packets on eth0 of client', why: `${dropped} of ${2 * sent} came too fast to be captured` }),
        );
      } finally {
        enough.abort();
        stop();
      }
    }));
});
