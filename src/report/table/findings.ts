import type { Finding, Report } from '../../types.js';
import { hang, wrap } from '../layout.js';
import { mark, statuses } from '../marks.js';
import type { Pen } from '../style.js';

const mostUnlessVerbose = 12;

/** What the checks found, the worst first. Passes are only counted unless everything is asked for. */
export function findings(report: Report, pen: Pen): string[] {
  const verbose = pen.verbosity === 'verbose';
  const wanted = statuses
    .filter((status) => verbose || (status !== 'pass' && status !== 'skip'))
    .flatMap((status) => report.findings.filter((finding) => finding.status === status));
  const shown = verbose ? wanted : wanted.slice(0, mostUnlessVerbose);
  const passed = report.findings.filter(({ status }) => status === 'pass').length;
  const more = wanted.length - shown.length;
  const rest = [...(more > 0 ? [`${more} more`] : []), ...(verbose || passed === 0 ? [] : [`${passed} passed`])];
  if (shown.length + rest.length === 0) return [];
  const hint = verbose ? '' : '; all with --verbose';
  return [
    '',
    pen.paint('Checks', 'bold'),
    ...shown.flatMap((finding) => describe(finding, pen)),
    ...(rest.length > 0 ? [pen.paint(`   ${rest.join(', ')}${hint}`, 'dim')] : []),
  ];
}

function describe(finding: Finding, pen: Pen): string[] {
  const where = `${finding.host}${finding.service === undefined ? '' : ` ${finding.service}`}`;
  const [first = '', ...others] = hang('   ', `${where}: ${finding.message} (${finding.check})`, pen.width);
  const evidence = pen.verbosity === 'verbose' ? (finding.evidence ?? []) : [];
  return [
    ` ${mark(finding.status, pen)}${first.slice(2)}`,
    ...others,
    ...evidence.flatMap(({ what, source }) => wrap(`${what} (${source})`, pen.width - 5).map((line) => pen.paint(`     ${line}`, 'dim'))),
  ];
}
