import type { Report } from '../../types.js';
import { hang } from '../layout.js';
import type { Pen } from '../style.js';

const mostUnlessVerbose = 6;

/** What the verdict does not speak about, and what would change that. */
export function notExamined(report: Report, pen: Pen): string[] {
  const all = report.notExamined;
  if (all.length === 0) return [];
  const shown = pen.verbosity === 'verbose' ? all : all.slice(0, mostUnlessVerbose);
  const more = all.length - shown.length;
  return [
    '',
    pen.paint('Not examined', 'bold'),
    ...shown.flatMap(({ what, why, settle }) =>
      hang(` ${pen.glyphs.dot} `, `${what}: ${why}${settle === undefined ? '' : ` (${settle})`}`, pen.width),
    ),
    ...(more > 0 ? [pen.paint(`   ${more} more with --verbose`, 'dim')] : []),
  ];
}
