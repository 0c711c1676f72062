import type { Diagnosis, Report, Trace } from '../types.js';
import { clean } from './clean.js';
import { type Pen, penFor, type Style } from './style.js';
import { diagnosis } from './table/diagnosis.js';
import { drawing } from './table/drawing.js';
import { findings } from './table/findings.js';
import { hosts, services } from './table/head.js';
import { notExamined } from './table/not-examined.js';
import { risksInBrief } from './table/risks.js';
import { verdict } from './table/verdict.js';
import { captured } from './trace-story/captured.js';
import { patterns } from './trace-story/patterns.js';
import { traffic } from './trace-story/traffic.js';

/** The report for people: the path, the hosts, what is wrong and what to type, the verdict. */
export function renderTable(raw: Report, style: Style): string {
  const report = faultsFirst(clean(raw, !style.unicode));
  const pen = penFor(style);
  const { trace } = report;
  const names = [...hosts(report, pen), ...servicesOf(report, pen)];
  // A trace is read for its packets: who the hosts are comes after.
  const overview = [...title(report, pen), ...drawing(report, pen), ...(trace ? story(trace, pen) : names)];
  const rest = [...(trace ? [...captured(trace, pen), ...names] : []), ...findings(report, pen), ...notExamined(report, pen)];
  const quiet = style.verbosity === 'quiet';
  const lines = [...(quiet ? [] : overview), ...causes(report, pen), ...(quiet ? [] : rest), ...verdict(report, pen)];
  return `${lines.join('\n').replace(/^\n+/, '')}\n`;
}

/** A trace has no need of services beside those that it followed. */
function servicesOf(report: Report, pen: Pen): string[] {
  if (!report.trace || pen.verbosity === 'verbose') return services(report, pen);
  const followed = new Set(report.trace.patterns.map(({ service }) => service));
  const shown = report.services.filter(({ id }) => followed.has(id));
  return report.services.length > 0 ? services({ ...report, ...(shown.length > 0 ? { services: shown } : {}) }, pen) : [];
}

function story(trace: Trace, pen: Pen): string[] {
  return [...traffic(trace, pen), ...patterns(trace.patterns, pen)];
}

/** Each part of the report has the numbers of diagnoses from their order. */
function faultsFirst(report: Report): Report {
  const [faults, risks] = bySeverity(report);
  return { ...report, diagnoses: [...faults, ...risks] };
}

/** At length what was asked for or stands alone; risks beside faults in brief. */
function causes(report: Report, pen: Pen): string[] {
  const [faults, risks] = bySeverity(report);
  const inFull = pen.verbosity === 'verbose' || faults.length === 0 ? [...faults, ...risks] : faults;
  const inBrief = risks.filter((risk) => !inFull.includes(risk));
  return [...inFull.flatMap((each, i) => diagnosis(each, i + 1, pen)), ...risksInBrief(inBrief, inFull.length + 1, pen)];
}

function bySeverity({ diagnoses }: Report): [Diagnosis[], Diagnosis[]] {
  return [diagnoses.filter(({ severity }) => severity === 'fault'), diagnoses.filter(({ severity }) => severity === 'risk')];
}

function title({ tool, command, startedAt, tookMs }: Report, pen: Pen): string[] {
  const text = `${command}, ${startedAt.replace(/^(\S{10})T(\S{8})\S*Z$/, '$1 $2 UTC')}, ${(tookMs / 1000).toFixed(1)} s`;
  return [`${pen.paint(`${tool.name} ${tool.version}`, 'bold')}  ${pen.paint(text, 'dim')}`];
}
