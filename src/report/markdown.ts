import type { Diagnosis, FixStep, NotExamined, Report, ReportedHost, Trace } from '../types.js';
import { clean } from './clean.js';
import { because } from './table/verdict.js';

/** For a ticket: short, and as it stands fit to be pasted where GitHub's or GitLab's Markdown is understood. Foreign text means nothing to it. */
export function renderMarkdown(raw: Report): string {
  const report = clean(raw, false);
  const faults = report.diagnoses.filter(({ severity }) => severity === 'fault');
  const risks = report.diagnoses.filter(({ severity }) => severity === 'risk');
  const blocks = [
    `## tpdoctor ${report.command}: ${report.verdict}`,
    `${plain(because(report))}.`,
    ...faults.flatMap((each, n) => diagnosis(each, n + 1)),
    ...(report.trace ? [packets(report.trace)] : []),
    ...(risks.length > 0
      ? ['### Risks', bullets(risks.map(({ host, summary, cause }) => `${plain(host)}: ${plain(summary)} (${code(cause)})`))]
      : []),
    ...(report.notExamined.length > 0 ? ['### Not examined', bullets(report.notExamined.map(unexamined))] : []),
    '### Hosts',
    hosts(report.hosts),
    `tpdoctor ${plain(report.tool.version)}, ${plain(report.startedAt)}, ${(report.tookMs / 1000).toFixed(1)} s.`,
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

const mostEvidence = 6;

function diagnosis(d: Diagnosis, number: number): string[] {
  const evidence = d.evidence.slice(0, mostEvidence).map(({ host, what, source }) => `${plain(what)} (${plain(host)}: ${code(source)})`);
  return [
    `### ${number}. ${plain(d.host)}: ${plain(d.summary)}`,
    `${code(d.cause)}, ${plain(d.certainty)}${d.services.length > 0 ? `, concerns ${d.services.map(code).join(', ')}` : ''}`,
    d.steps.map((step, n) => `${n + 1}. ${plain(step)}`).join('\n'),
    ...(evidence.length > 0 ? ['Evidence:', bullets(evidence)] : []),
    ...cure(d),
    ...(d.settle === undefined ? [] : [`To be surer: ${plain(d.settle)}`]),
  ];
}

function cure({ cause, fix, verify }: Diagnosis): string[] {
  if (fix.length === 0) return [`Cure: see ${code(`tpdoctor explain ${cause}`)}.`];
  const undo = fix
    .toReversed()
    .flatMap((step) => (step.kind === 'command' && step.undo !== undefined ? [{ host: step.host, text: step.undo }] : []));
  const persist = [...new Set(fix.flatMap((step) => (step.kind === 'command' && step.persist !== undefined ? [step.persist] : [])))];
  return [
    ...byHost(fix.map((step) => ({ host: step.host, text: typed(step) }))).flatMap(([host, text]) => [
      `Cure on ${plain(host)}, as root:`,
      fenced(text),
    ]),
    ...(verify.length > 0 ? ['Check that it worked:', fenced(verify.join('\n'))] : []),
    ...byHost(undo).flatMap(([host, text]) => [`Undo on ${plain(host)}:`, fenced(text)]),
    ...(persist.length > 0 ? ['To keep it over a reboot:', bullets(persist.map(plain))] : []),
  ];
}

function typed(step: FixStep): string {
  if (step.kind === 'command') return step.run;
  const [taken, put] = [comment('- ', step.remove), comment('+ ', step.insert)];
  return [`# ${step.file}, ${step.remove === null ? 'before line' : 'line'} ${step.line}:`, ...taken, ...put].join('\n');
}

const comment = (mark: string, text: string | null): string[] => (text === null ? [] : text.split('\n').map((line) => `# ${mark}${line}`));

/** Neighbouring steps of one host stay together. */
function byHost(steps: readonly { host: string; text: string }[]): [host: string, text: string][] {
  const groups: [string, string][] = [];
  for (const { host, text } of steps) {
    const last = groups.at(-1);
    if (last?.[0] === host) last[1] += `\n${text}`;
    else groups.push([host, text]);
  }
  return groups;
}

function packets({ transactions, patterns, points }: Trace): string {
  const { total, complete, failed, ambiguous } = transactions;
  const missed = points
    .filter(({ dropped }) => dropped > 0)
    .map(({ host, iface, dropped }) => `${plain(`${host} ${iface}`)} missed ${dropped} packets`);
  const failures = patterns
    .filter(({ end }) => end !== 'delivered')
    .slice(0, 10)
    .map(({ count, end, service, upstream, vanishedAfter }) => {
      const where = vanishedAfter ? ` after ${vanishedAfter.host} ${vanishedAfter.iface}` : '';
      return plain(`${count} ${end}${where}: ${service ?? 'transactions'}${upstream === undefined ? '' : ` to ${upstream}`}`);
    });
  const counts = `${total} transactions: ${complete} complete, ${failed} failed${ambiguous > 0 ? `, ${ambiguous} not clear` : ''}`;
  return ['### Packets', '', bullets([counts, ...failures, ...missed])].join('\n');
}

function unexamined({ what, why, settle }: NotExamined): string {
  return `${plain(what)}: ${plain(why)}${settle === undefined ? '' : ` (${plain(settle)})`}`;
}

function hosts(all: readonly ReportedHost[]): string {
  const rows = all.map(({ name, roles, reached, why, versions }) => {
    const told = versions ? [versions.os, `Linux ${versions.kernel}`, ...versions.nginx.map((nginx) => `nginx ${nginx}`)] : [];
    return [name, roles.join(', '), reached ? told.join(', ') : `not reached: ${why ?? 'no reason given'}`].map(plain);
  });
  return [['Host', 'Roles', 'Versions'], ['---', '---', '---'], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

/** Joins without a mark of its own: between the characters by which services recognise links, mentions and references even where they are escaped. */
const joiner = '\u2060';

/** Whatever could be markup, HTML, a link, a mention or a reference is text. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]<>|~&$]/g, '\\$&')
    .replace(/[@#](?=\w)|:(?=\/\/)|\bwww(?=\.)/gi, `$&${joiner}`)
    .replace(/^(?:[-+#=]|\d{1,9}(?=[.)](?:\s|$)))/, (mark) => (/\d/.test(mark) ? `${mark}\\` : `\\${mark}`));
}

/** A code span whose fence is longer than any run of backticks within it. */
function code(text: string): string {
  const fence = '`'.repeat(longestRun(text) + 1);
  const flat = text.replace(/\s+/g, ' ');
  const pad = /^`|`$/.test(flat) ? ' ' : '';
  // A bar would end the cell of a table, also within code.
  return `${fence}${pad}${flat.replaceAll('|', '\\|')}${pad}${fence}`;
}

function fenced(text: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}sh\n${text}\n${fence}`;
}

const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
