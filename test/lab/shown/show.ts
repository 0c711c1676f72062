import { expect } from 'vitest';
import type { PatternEnd, Report } from '../../../src/types.js';
import { diagnosed, trace } from '../doctor.js';
import { inLab } from '../in-lab.js';
import type { Lab } from '../lab.js';
import { furtherFaults } from '../scenarios/further.js';
import { faults } from '../scenarios/index.js';

/** What packets show of a fault. */
export interface Shown {
  fault: string;
  /** The listening port of a service that it breaks. */
  port: number;
  /** How transactions end, and where: after which interface of which host. */
  end: PatternEnd;
  at?: string;
  /** The upstreams whose transactions end so, all of them; absent: all upstreams; `none`: nginx asks none. */
  upstreams?: readonly string[];
}

const all = [...faults, ...furtherFaults];

export async function inLabOf(name: string, use: (lab: Lab, fault: (typeof all)[number]) => Promise<void>): Promise<void> {
  const fault = all.find((each) => each.name === name);
  if (!fault) throw new Error(`no fault is called ${name}`);
  await inLab(fault, (lab) => use(lab, fault));
}

/** Upstreams with a transaction that failed, and how those of each ended. */
export function failures({ trace: seen }: Report): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { upstream = 'none', end, vanishedAfter } of seen?.patterns ?? []) {
    // When all upstreams have failed, nginx refuses by itself for some seconds; connections that were opened at once cannot always be told apart.
    if (end === 'delivered' || end === 'ambiguous' || (end === 'refused' && upstream === 'none')) continue;
    const where = vanishedAfter ? ` after ${vanishedAfter.host} ${vanishedAfter.iface}` : '';
    found.set(upstream, (found.get(upstream) ?? new Set()).add(`${end}${where}`));
  }
  return found;
}

/** Traces requests of tpdoctor's own, and compares cause, host, certainty, the place where transactions end, and the counts. */
export function expectShown({
  fault: name,
  port,
  end,
  at,
  upstreams = ['172.16.0.11', '172.16.0.12', '172.16.0.13', '172.16.0.14'],
}: Shown): Promise<void> {
  return inLabOf(name, async (lab, fault) => {
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
    const isUdp = port === 53 || port === 5300;
    expect(transactions.ambiguous).toBeLessThanOrEqual(isUdp ? 0 : transactions.failed / 2);
    const failed = patterns.filter((each) => each.end !== 'delivered' && each.end !== 'ambiguous');
    expect(transactions.failed).toBe(failed.reduce((sum, { count }) => sum + count, 0));
    expect(points.every(({ dropped }) => dropped === 0)).toBe(true);
  });
}
