import type { Report, Verdict } from '../../types.js';
import { wrap } from '../layout.js';
import { mark } from '../marks.js';
import type { Pen } from '../style.js';

const meanings: Record<Verdict, { exit: number; status: 'pass' | 'fail' | 'unknown'; colour: 'green' | 'red' | 'yellow' }> = {
  healthy: { exit: 0, status: 'pass', colour: 'green' },
  faulty: { exit: 1, status: 'fail', colour: 'red' },
  undetermined: { exit: 2, status: 'unknown', colour: 'yellow' },
};

/** The last line: the verdict, what it rests on and the exit code. */
export function verdict(report: Report, pen: Pen): string[] {
  const { exit, status, colour } = meanings[report.verdict];
  const [first = '', ...others] = wrap(`${report.verdict.toUpperCase()}: ${because(report)} (exit code ${exit})`, pen.width - 3);
  return [
    '',
    ` ${mark(status, pen)} ${pen.paint(first, 'bold', colour)}`,
    ...others.map((line) => `   ${pen.paint(line, 'bold', colour)}`),
  ];
}

/** What the verdict rests on. */
export function because(report: Report): string {
  const faults = report.diagnoses.filter(({ severity }) => severity === 'fault').length;
  const risks = report.diagnoses.length - faults;
  const found = [...(faults > 0 ? [count(faults, 'fault')] : []), ...(risks > 0 ? [count(risks, 'risk')] : [])].join(' and ');
  if (report.verdict === 'faulty') return `${found}; cure [1] first, then check again`;
  const lost = lostOf(report);
  const examined = `${count(report.services.length, 'service')} on ${count(report.hosts.length, 'host')}`;
  if (report.verdict === 'healthy') return `nothing stops ${examined}${lost}${found === '' ? '' : `; ${found}`}`;
  const silent = report.hosts.filter(({ reached }) => !reached).map(({ name }) => name);
  if (silent.length > 0) return `${silent.join(', ')} ${silent.length > 1 ? 'were' : 'was'} not reached${found === '' ? '' : `; ${found}`}`;
  if (faults > 0) return `${found}, not certain; see "To be surer"`;
  if (lost !== '') return `${lost.slice(2)}${found === '' ? '' : `; ${found}`}`;
  return report.services.length === 0
    ? 'no proxied service was found'
    : `no fault was found, but not everything on the path could be examined${found === '' ? '' : `; ${found}`}`;
}

/** What a trace adds where no fault was found. */
function lostOf({ trace, verdict: reached }: Report): string {
  if (!trace) return '';
  const { total, complete, failed } = trace.transactions;
  if (total === 0) return '; no transaction was captured';
  if (failed > 0) return `; ${failed} of ${count(total, 'transaction')} failed, and no known cause explains it`;
  return reached === 'healthy' ? `; ${complete} of ${count(total, 'transaction')} complete` : '';
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
