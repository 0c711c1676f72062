import type { Diagnosis } from '../../types.js';
import { hang } from '../layout.js';
import type { Pen } from '../style.js';

/** Risks beside faults, in a few lines each: what fails now comes first, and only that is told at length. Numbers go on from `first`. */
export function risksInBrief(risks: readonly Diagnosis[], first: number, pen: Pen): string[] {
  if (risks.length === 0) return [];
  const [heading = '', ...more] = hang('Risks  ', 'not what fails now; in full with --verbose', pen.width);
  return [
    '',
    heading.replace('Risks', pen.paint('Risks', 'bold', 'yellow')),
    ...more,
    ...risks.flatMap((risk, i) => brief(risk, first + i, pen)),
  ];
}

function brief({ host, cause, summary }: Diagnosis, number: number, pen: Pen): string[] {
  const lead = ` [${number}] `;
  const [start = '', ...others] = hang(lead, summary, pen.width);
  const where = hang(' '.repeat(lead.length), `${host}: tpdoctor explain ${cause}`, pen.width);
  return [pen.paint(lead, 'yellow') + start.slice(lead.length), ...others, ...where.map((line) => pen.paint(line, 'dim'))];
}
