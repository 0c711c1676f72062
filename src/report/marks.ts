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

/** What is said of a host: a fault to be cured on it, not reached, something odd, something unknown while the verdict is open, or nothing against it. */
export function hostState(report: Report, host: string): HostState {
  const here = report.diagnoses.flatMap((diagnosis, i) => (diagnosis.host === host ? [{ diagnosis, number: i + 1 }] : []));
  const diagnoses = here.map(({ number }) => number);
  if (here.some(({ diagnosis }) => diagnosis.severity === 'fault')) return { status: 'fail', diagnoses };
  if (report.hosts.some(({ name, reached }) => name === host && !reached)) return { status: 'unknown', diagnoses };
  const found = new Set(report.findings.flatMap((finding) => (finding.host === host ? [finding.status] : [])));
  if (here.length > 0 || found.has('fail') || found.has('warn')) return { status: 'warn', diagnoses };
  const open = report.verdict !== 'healthy' && (found.has('unknown') || found.has('crash'));
  return { status: open ? 'unknown' : 'pass', diagnoses };
}
