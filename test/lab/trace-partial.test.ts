import { describe, expect, it } from 'vitest';
import type { Report, TracePattern } from '../../src/types.js';
import { captureOn, carryOut, diagnosed, traceProcess } from './doctor.js';
import { inLab } from './in-lab.js';
import type { Lab } from './lab.js';
import { faults, risks } from './scenarios/index.js';

/*
 * Requests of which some go well: what is wrong with the others shows in packets alone.
 */

function scenario(name: string) {
  const found = [...faults, ...risks].find((each) => each.name === name);
  return found ?? expect.unreachable(`nothing is called ${name}`);
}

/** A trace of what is asked meanwhile. */
async function traced(lab: Lab, port: number, ask: () => Promise<unknown>): Promise<Report> {
  const running = traceProcess(lab, ['--port', String(port), '--duration', '60']);
  await captureOn(lab);
  await ask();
  running.kill('SIGINT');
  return JSON.parse((await running).stdout) as Report;
}

const sum = (patterns: readonly TracePattern[]): number => patterns.reduce((total, { count }) => total + count, 0);
const patternsOf = ({ trace }: Report, isWanted: (pattern: TracePattern) => boolean): TracePattern[] =>
  trace?.patterns.filter(isWanted) ?? [];

describe('replies that early demux catches', () => {
  it('come in and never go out: a fault then, whose cure lets all of them through', () =>
    inLab(scenario('dsr/replies-caught-by-early-demux'), async (lab) => {
      let answered = 0;
      const report = await traced(lab, 53, async () => {
        ({ answered } = await lab.probe('dns', 40));
      });
      expect(diagnosed(report)).toEqual(['fault dsr/replies-caught-by-early-demux on proxy']);
      expect(report.diagnoses[0]?.certainty).toBe('proven');
      expect(report.trace?.transactions).toEqual({ total: 40, complete: answered, failed: 40 - answered, ambiguous: 0 });
      const lost = patternsOf(report, ({ end }) => end !== 'delivered');
      const isHere = (pattern: TracePattern) => pattern.end === 'vanished' && pattern.vanishedAfter?.iface === 'eth1';
      expect(lost.every(isHere)).toBe(true);
      // The two upstreams that answer at once have half of the requests.
      expect(sum(lost)).toBeGreaterThanOrEqual(20);

      await carryOut(lab, report.diagnoses[0]?.fix ?? []);
      const after = await traced(lab, 53, () => lab.probe('dns', 40));
      expect(after.trace?.transactions).toEqual({ total: 40, complete: 40, failed: 0, ambiguous: 0 });
      expect(diagnosed(after)).toEqual([]);
    }));
});

describe('connections to upstreams that nginx keeps', () => {
  it("carry another client's requests: its address shows it", () =>
    inLab(scenario('nginx/keepalive-mixes-clients'), async (lab) => {
      const ask = (from: string, what: string) =>
        lab.must('client', `for n in 1 2 3 4; do curl -sf -m 2 --interface ${from} http://192.168.99.10/${what}$n >/dev/null; done`);
      const report = await traced(lab, 80, async () => {
        await ask('192.168.99.50', 'first');
        await ask('192.168.99.51', 'second');
      });
      expect(diagnosed(report)).toEqual(['fault nginx/keepalive-mixes-clients on proxy']);
      expect(report.diagnoses[0]?.certainty).toBe('proven');
      expect(report.trace?.transactions).toEqual({ total: 8, complete: 8, failed: 0, ambiguous: 0 });
      const mixed = patternsOf(report, ({ path }) => path.some(({ note }) => note?.includes('source is 192.168.99.50, not the client')));
      expect(sum(mixed)).toBe(4);
    }));
});
