import type { Diagnosis } from '../../types.js';
import { displayWidth, hang, shorten, wrap } from '../layout.js';
import type { Pen } from '../style.js';
import { fix } from './fix.js';
import { section } from './section.js';

const mostEvidence = 6;

/** One root cause: where, what, how sure, why so, what to type. */
export function diagnosis(d: Diagnosis, number: number, pen: Pen): string[] {
  const { glyphs } = pen;
  return [
    '',
    heading(d, number, pen),
    ...wrap(d.summary, pen.width - 3).map((line) => `   ${pen.paint(line, 'bold')}`),
    ...wrap(identity(d), pen.width - 3).map((line) => `   ${pen.paint(line, 'dim')}`),
    ...section(
      'Why',
      d.steps.flatMap((step, i) => hang(`${i + 1}. `, step, pen.width - 5)),
      pen,
    ),
    ...section('Evidence', evidence(d, pen), pen),
    ...section(
      'Explains',
      d.explains.flatMap((symptom) => hang(`${glyphs.dot} `, symptom, pen.width - 5)),
      pen,
    ),
    ...fix(d, pen),
    ...section('To be surer', d.settle === undefined ? [] : wrap(d.settle, pen.width - 5), pen),
  ];
}

function heading({ severity, certainty, host }: Diagnosis, number: number, pen: Pen): string {
  const words = severity === 'fault' ? 'FAULT' : 'RISK';
  const text = `[${number}] ${words} on ${shorten(host, 64, pen.glyphs.cut)}, ${certainty}`;
  const line = pen.glyphs.heavy;
  const rest = line.repeat(Math.max(2, pen.width - displayWidth(text) - 4));
  return pen.paint(`${line}${line} ${text} ${rest}`, severity === 'fault' ? 'red' : 'yellow', 'bold');
}

/** The cause's id, and the services unless the summary names them. */
function identity({ cause, services, summary }: Diagnosis): string {
  const unnamed = services.filter((id) => !summary.includes(id));
  return unnamed.length > 0 ? `${cause}, concerns ${unnamed.join(', ')}` : cause;
}

function evidence(d: Diagnosis, pen: Pen): string[] {
  const shown = pen.verbosity === 'verbose' ? d.evidence : d.evidence.slice(0, mostEvidence);
  const more = d.evidence.length - shown.length;
  return [
    ...shown.flatMap(({ host, what, source }) => [
      ...hang(`${pen.glyphs.dot} `, what, pen.width - 5),
      ...wrap(`${host}: ${source}`, pen.width - 7).map((line) => `  ${pen.paint(line, 'dim')}`),
    ]),
    ...(more > 0 ? [pen.paint(`${more} more with --verbose`, 'dim')] : []),
  ];
}
