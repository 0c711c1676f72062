import type { Diagnosis, Finding, NotExamined, Report, ReportedHost } from '../types.js';
import { clean } from './clean.js';

/**
 * JUnit's XML as Jenkins and GitLab read it: a suite for each host with its findings and causes, and one for what could not be examined. A fault is a failure, a
 * risk passes and tells of itself, what is not known is skipped, an error of our own is an error.
 */
export function renderJunit(raw: Report): string {
  const report = clean(raw, false);
  const suites = [
    ...report.hosts.map((host) => hostSuite(host, report)),
    suite('not examined', report.notExamined.map(unexamined), report),
  ];
  const whole = suites.filter(({ cases }) => cases.length > 0);
  const counts = countsOf(whole.flatMap(({ cases }) => cases));
  const attributes = { name: `tpdoctor ${report.command}: ${report.verdict}`, ...counts, time: seconds(report) };
  const body = whole.map(({ text }) => text).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${written(attributes)}>\n${body}\n</testsuites>\n`;
}

type Outcome = 'passed' | 'failure' | 'error' | 'skipped';

interface TestCase {
  name: string;
  classname: string;
  outcome: Outcome;
  /** One line; and all there is to say. */
  message?: string;
  text?: string;
}

interface Suite {
  cases: readonly TestCase[];
  text: string;
}

function hostSuite({ name, reached, why }: ReportedHost, report: Report): Suite {
  const unreached: TestCase = { name: 'is reached', classname: name, outcome: 'error', message: why ?? 'no reason given' };
  const causes = report.diagnoses.filter(({ host }) => host === name).map((each) => ofDiagnosis(each));
  const findings = report.findings.filter(({ host }) => host === name).map((each) => ofFinding(each));
  return suite(name, [...(reached ? [] : [unreached]), ...causes, ...findings], report);
}

function ofDiagnosis({ cause, host, severity, certainty, summary, steps, evidence, fix, services }: Diagnosis): TestCase {
  const typed = fix.map((step) => (step.kind === 'command' ? `${step.host}# ${step.run}` : `${step.host}: edit ${step.file}:${step.line}`));
  const proof = evidence.map(({ host: where, what, source }) => `${where}: ${what} (${source})`);
  const text = [...steps, '', 'Evidence:', ...proof, ...(typed.length > 0 ? ['', 'Cure:', ...typed] : [])].join('\n');
  const name = services.length > 0 ? `${cause} (${services.join(', ')})` : cause;
  return {
    name,
    classname: host,
    outcome: severity === 'fault' ? 'failure' : 'passed',
    message: `${severity}, ${certainty}: ${summary}`,
    text,
  };
}

const outcomes: Readonly<Record<Finding['status'], Outcome>> = {
  pass: 'passed',
  warn: 'passed',
  fail: 'failure',
  skip: 'skipped',
  unknown: 'skipped',
  crash: 'error',
};

function ofFinding({ check, host, service, status, message }: Finding): TestCase {
  const name = service === undefined ? check : `${check} (${service})`;
  return { name, classname: host, outcome: outcomes[status], message: status === 'pass' ? message : `${status}: ${message}` };
}

function unexamined({ what, why, settle }: NotExamined): TestCase {
  return { name: what, classname: 'not examined', outcome: 'skipped', message: why, ...(settle === undefined ? {} : { text: settle }) };
}

function suite(name: string, cases: readonly TestCase[], { startedAt, tookMs }: Report): Suite {
  const attributes = { name, ...countsOf(cases), time: seconds({ tookMs }), timestamp: startedAt };
  return { cases, text: [`  <testsuite${written(attributes)}>`, ...cases.map(testCase), '  </testsuite>'].join('\n') };
}

function testCase({ name, classname, outcome, message, text }: TestCase): string {
  const head = `    <testcase${written({ name, classname, time: '0' })}`;
  const told = [message, text].filter((part) => part !== undefined && part !== '').join('\n');
  if (outcome === 'passed') return told === '' ? `${head}/>` : `${head}><system-out>${escaped(told)}</system-out></testcase>`;
  const attributes = written({ message: message ?? '', ...(outcome === 'skipped' ? {} : { type: outcome }) });
  return `${head}><${outcome}${attributes}>${escaped(text ?? message ?? '')}</${outcome}></testcase>`;
}

function countsOf(cases: readonly TestCase[]): Record<'tests' | 'failures' | 'errors' | 'skipped', number> {
  const count = (wanted: Outcome): number => cases.filter(({ outcome }) => outcome === wanted).length;
  return { tests: cases.length, failures: count('failure'), errors: count('error'), skipped: count('skipped') };
}

const seconds = ({ tookMs }: Pick<Report, 'tookMs'>): string => (tookMs / 1000).toFixed(3);

function written(attributes: Readonly<Record<string, string | number>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replaceAll('\n', '&#10;')}"`)
    .join('');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** XML 1.0 has no place for control characters, lone surrogates, U+FFFE and U+FFFF, even escaped; cleaning has made visible what else there is of them. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"]/g, (mark) => entities[mark] ?? mark)
    .replace(/[^\t\n\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}
