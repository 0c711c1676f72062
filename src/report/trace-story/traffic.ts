import type { PatternEnd, Trace, TracePattern } from '../../types.js';
import { columns } from '../columns.js';
import { hang, shorten } from '../layout.js';
import { mark } from '../marks.js';
import type { Pen } from '../style.js';

const mostRows = 16;

/** How many transactions there were, and how many of them each upstream answered. */
export function traffic(trace: Trace, pen: Pen): string[] {
  const [first = '', ...others] = hang('Traffic  ', totals(trace), pen.width);
  return ['', first.replace('Traffic', pen.paint('Traffic', 'bold')), ...others, ...rates(trace.patterns, pen)];
}

function totals({ transactions, window, points }: Trace): string {
  const { total, complete, failed, ambiguous } = transactions;
  const seconds = Math.max(0, Date.parse(window.to) - Date.parse(window.from)) / 1000;
  const span = Number.isFinite(seconds) ? ` in ${seconds.toFixed(1)} s` : '';
  const packets = points.reduce((sum, point) => sum + point.packets, 0);
  if (total === 0)
    return packets === 0
      ? `not one packet of these services came past a capture${span}`
      : `${count(packets, 'packet')}${span}, and no transaction among them`;
  const parts = [
    ...(complete > 0 ? [`${complete} complete`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(ambiguous > 0 ? [`${ambiguous} cannot be told`] : []),
  ];
  return `${count(total, 'transaction')}${span}: ${parts.join(', ')}`;
}

export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

interface Rate {
  service: string | undefined;
  upstream: string | undefined;
  ends: Record<PatternEnd, number>;
}

/** A row for each upstream of each service, in the order of their addresses. Where there are many, those that answered everything are left out. */
function rates(patterns: readonly TracePattern[], pen: Pen): string[] {
  const all = ratesOf(patterns);
  if (all.length === 0) return [];
  const isPerfect = ({ ends }: Rate) => asked(ends) === ends.delivered;
  const shown = pen.verbosity === 'verbose' || all.length <= mostRows ? all : all.filter((rate) => !isPerfect(rate)).slice(0, mostRows);
  const left = all.length - shown.length;
  const optional = (['misdelivered', 'ambiguous'] as const).filter((end) => shown.some(({ ends }) => ends[end] > 0));
  const several = new Set(all.map(({ service }) => service)).size > 1;
  const head = [
    '   Upstream',
    ...(several ? ['Service'] : []),
    'Requests',
    'Answered',
    'Refused',
    'Lost',
    ...optional.map((end) => titles[end]),
    '',
  ];
  const more = left > 0 ? [pen.paint(`   ${left} more with --verbose`, 'dim')] : [];
  if (head.join('  ').length + Math.max(...shown.map(({ upstream = '' }) => upstream.length)) > pen.width + 3)
    return [...shown.flatMap((rate) => inWords(rate, pen)), ...more];
  const rows = shown.map((rate) => [
    ` ${mark(isPerfect(rate) ? 'pass' : rate.ends.delivered < asked(rate.ends) - rate.ends.ambiguous ? 'fail' : 'unknown', pen)} ${shorten(rate.upstream ?? 'none was asked', 40, pen.glyphs.cut)}`,
    ...(several ? [shorten(rate.service ?? '', 30, pen.glyphs.cut)] : []),
    ...[asked(rate.ends), rate.ends.delivered, rate.ends.refused, rate.ends.vanished, ...optional.map((end) => rate.ends[end])].map(String),
    percent(rate.ends),
  ]);
  return [
    ...columns(numbersRight([head.map((text) => text), ...rows], several ? 2 : 1), pen).map((line, i) =>
      i === 0 ? pen.paint(line, 'dim') : line,
    ),
    ...more,
  ];
}

/** For terminals that have no room for the columns. */
function inWords({ service, upstream, ends }: Rate, pen: Pen): string[] {
  const all = asked(ends);
  const status = all === ends.delivered ? 'pass' : ends.delivered < all - ends.ambiguous ? 'fail' : 'unknown';
  const words = { delivered: 'answered', refused: 'refused', vanished: 'lost', misdelivered: 'astray', ambiguous: 'unclear' };
  const parts = (Object.keys(words) as PatternEnd[]).flatMap((end) => (ends[end] > 0 ? [`${ends[end]} ${words[end]}`] : []));
  const name = shorten([upstream ?? 'none was asked', service ?? ''].filter((part) => part !== '').join(', '), 80, pen.glyphs.cut);
  const [first = '', ...others] = hang('   ', `${name}: ${parts.join(', ')} of ${all}`, pen.width);
  return [` ${mark(status, pen)}${first.slice(2)}`, ...others];
}

const titles = { misdelivered: 'Astray', ambiguous: 'Unclear' } as const;

function ratesOf(patterns: readonly TracePattern[]): Rate[] {
  const found = new Map<string, Rate>();
  for (const { service, upstream, end, count: times } of patterns) {
    const key = `${service}\0${upstream}`;
    const rate = found.get(key) ?? { service, upstream, ends: { delivered: 0, vanished: 0, refused: 0, misdelivered: 0, ambiguous: 0 } };
    rate.ends[end] += times;
    found.set(key, rate);
  }
  const text = ({ service = '', upstream = '\uffff' }: Rate) => `${service} ${upstream}`;
  return [...found.values()].sort((a, b) => text(a).localeCompare(text(b), 'en', { numeric: true }));
}

function asked(ends: Rate['ends']): number {
  return Object.values(ends).reduce((sum, times) => sum + times, 0);
}

/** Of those whose end is known; rounded down, so that 100 % means all. */
function percent(ends: Rate['ends']): string {
  const known = asked(ends) - ends.ambiguous;
  return known === 0 ? '' : `${Math.floor((ends.delivered / known) * 1000) / 10} %`;
}

function numbersRight(rows: readonly (readonly string[])[], from: number): string[][] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) => row.map((text, i) => (i < from ? text : text.padStart(widths[i] ?? 0))));
}
