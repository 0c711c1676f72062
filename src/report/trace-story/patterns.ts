import type { PatternEnd, TracePattern } from '../../types.js';
import { displayWidth, shorten, wrap } from '../layout.js';
import { mark } from '../marks.js';
import type { Colour, Pen } from '../style.js';
import { alike } from './alike.js';
import { endOf } from './hops.js';
import { ladder } from './ladder.js';

const most = { quiet: 0, normal: 6, verbose: 40 };
/** Ways that packets went well are there to compare with; few do. */
const mostDelivered = { quiet: 0, normal: 2, verbose: 40 };

/** A drawing for each way that transactions went, what fails first. */
export function patterns(all: readonly TracePattern[], pen: Pen): string[] {
  const groups = pen.verbosity === 'verbose' ? all.map((pattern) => [pattern]) : alike(all);
  const sorted = groups.toSorted((a, b) => rank(a) - rank(b) || countOf(b) - countOf(a));
  const shown = sorted
    .filter((group) => rank(group) < 2 || sorted.filter((each) => rank(each) === 2).indexOf(group) < mostDelivered[pen.verbosity])
    .slice(0, most[pen.verbosity]);
  const left = sorted.filter((group) => !shown.includes(group));
  return [...shown.flatMap((group) => block(group, all, pen)), ...rest(left, pen)];
}

function rank([first]: readonly TracePattern[]): number {
  return first?.end === 'delivered' ? 2 : first?.end === 'ambiguous' ? 1 : 0;
}

function countOf(group: readonly TracePattern[]): number {
  return group.reduce((sum, { count }) => sum + count, 0);
}

const looks: Readonly<Record<PatternEnd, { status: 'pass' | 'fail' | 'unknown'; colour: Colour; words: string }>> = {
  delivered: { status: 'pass', colour: 'green', words: 'delivered' },
  vanished: { status: 'fail', colour: 'red', words: 'vanished' },
  refused: { status: 'fail', colour: 'red', words: 'refused' },
  misdelivered: { status: 'fail', colour: 'red', words: 'misdelivered' },
  ambiguous: { status: 'unknown', colour: 'yellow', words: 'cannot be told' },
};

function block(group: readonly TracePattern[], all: readonly TracePattern[], pen: Pen): string[] {
  const [pattern, ...others] = group;
  if (!pattern) return [];
  const same = others.map(({ upstream, count }) => `${upstream ?? 'others'} (${count})`).join(', ');
  return [
    '',
    heading(pattern, all, pen),
    ...(others.length > 0 ? wrap(`the same for ${same}`, pen.width - 3).map((line) => `   ${pen.paint(line, 'bold')}`) : []),
    ...ladder(pattern, pen),
  ];
}

/** How many transactions of those to the same upstream went this way, how they ended and where. */
function heading(pattern: TracePattern, all: readonly TracePattern[], pen: Pen): string {
  const { count, end, service, upstream } = pattern;
  const { glyphs } = pen;
  const { colour, words } = looks[end];
  const kin = all.filter((other) => other.service === service && other.upstream === upstream);
  const name = [service ?? '', upstream ?? ''].filter((part) => part !== '').map((part) => shorten(part, 40, glyphs.cut));
  const what = name.join(` ${glyphs.line}${glyphs.right} `);
  const text = `${count} of ${countOf(kin)} ${words}${where(pattern)}${what === '' ? '' : `: ${what}`}`;
  const fitting = shorten(text, pen.width - 6, glyphs.cut);
  const line = glyphs.heavy.repeat(Math.max(2, pen.width - displayWidth(fitting) - 4));
  return pen.paint(`${glyphs.heavy}${glyphs.heavy} ${fitting} ${line}`, colour, 'bold');
}

/** In a few words; the drawing tells the rest. */
export function where(pattern: TracePattern): string {
  const { end, path, vanishedAfter } = pattern;
  if (end === 'vanished' && vanishedAfter) return ` after ${vanishedAfter.host} ${vanishedAfter.iface}`;
  const last = path[endOf(pattern)];
  return last && (end === 'refused' || end === 'misdelivered') ? ` at ${last.host} ${last.iface}` : '';
}

function rest(groups: readonly (readonly TracePattern[])[], pen: Pen): string[] {
  if (groups.length === 0) return [];
  const ends = new Map<PatternEnd, number>();
  for (const { end, count } of groups.flat()) ends.set(end, (ends.get(end) ?? 0) + count);
  const counts = [...ends].map(([end, count]) => `${count} ${looks[end].words}`).join(', ');
  const text = `${groups.length} more way${groups.length === 1 ? '' : 's'}: ${counts}${pen.verbosity === 'verbose' ? '' : '; drawn with --verbose'}`;
  return ['', ...wrap(text, pen.width - 3).map((line) => pen.paint(`   ${line}`, 'dim'))];
}

export function endMark(end: PatternEnd, pen: Pen): string {
  return mark(looks[end].status, pen);
}
