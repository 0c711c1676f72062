import type { Report } from '../types.js';
import { clean } from './clean.js';
import { type Pen, penFor, type Style } from './style.js';
import { diagnosis } from './table/diagnosis.js';
import { drawing } from './table/drawing.js';
import { findings } from './table/findings.js';
import { hosts, services } from './table/head.js';
import { notExamined } from './table/not-examined.js';
import { verdict } from './table/verdict.js';

/** The report for people: the path, the hosts, what is wrong and what to type, the verdict. */
export function renderTable(raw: Report, style: Style): string {
  const report = clean(raw, !style.unicode);
  const pen = penFor(style);
  const overview = [...title(report, pen), ...drawing(report, pen), ...hosts(report, pen), ...services(report, pen)];
  const causes = report.diagnoses.flatMap((each, i) => diagnosis(each, i + 1, pen));
  const rest = [...findings(report, pen), ...notExamined(report, pen)];
  const quiet = style.verbosity === 'quiet';
  const lines = [...(quiet ? [] : overview), ...causes, ...(quiet ? [] : rest), ...verdict(report, pen)];
  return `${lines.join('\n').replace(/^\n+/, '')}\n`;
}

function title({ tool, command, startedAt, tookMs }: Report, pen: Pen): string[] {
  const text = `${command}, ${startedAt.replace(/^(\S{10})T(\S{8})\S*Z$/, '$1 $2 UTC')}, ${(tookMs / 1000).toFixed(1)} s`;
  return [`${pen.paint(`${tool.name} ${tool.version}`, 'bold')}  ${pen.paint(text, 'dim')}`];
}
