import type { FindingStatus, Report } from '../types.js';
import type { Colour, Pen } from './style.js';

/** Worst first. */
export const statuses: readonly FindingStatus[] = ['crash', 'fail', 'warn', 'unknown', 'skip', 'pass'];

const looks: Record<FindingStatus, { glyph: 'tick' | 'cross' | 'bang' | 'doubt' | 'none'; colour: Colour }> = {
  crash: { glyph: 'cross', colour: 'magenta' },
  fail: { glyph: 'cross', colour: 'red' },
  warn: { glyph: 'bang', colour: 'yellow' },
  unknown: { glyph: 'doubt', colour: 'yellow' },
  skip: { glyph: 'none', colour: 'dim' },
  pass: { glyph: 'tick', colour: 'green' },
};

export function mark(status: FindingStatus, pen: Pen): string {
  const { glyph, colour } = looks[status];
  return pen.paint(pen.glyphs[glyph], colour);
}

export interface HostState {
  status: FindingStatus;
  /** Numbers of the diagnoses to be cured on this host, as printed. */
  diagnoses: readonly number[];
}

/** What the diagnoses say about a host: where a fault is to be cured, a risk, not reached, or nothing against it. */
export function hostState(report: Report, host: string): HostState {
  const here = report.diagnoses.flatMap((diagnosis, i) => (diagnosis.host === host ? [{ diagnosis, number: i + 1 }] : []));
  const diagnoses = here.map(({ number }) => number);
  if (here.some(({ diagnosis }) => diagnosis.severity === 'fault')) return { status: 'fail', diagnoses };
  if (report.hosts.some(({ name, reached }) => name === host && !reached)) return { status: 'unknown', diagnoses };
  return { status: here.length > 0 ? 'warn' : 'pass', diagnoses };
}
