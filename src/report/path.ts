import type { PathReport, ToldWalk } from '../types.js';
import { clean } from './clean.js';
import { displayWidth, hang, shorten, wrap } from './layout.js';
import { mark } from './marks.js';
import { alike } from './path/alike.js';
import { arrow, hops } from './path/hops.js';
import { type Colour, type Pen, penFor, type Style } from './style.js';

/** A predicted path for people: a block per upstream, walks that differ by nothing but the upstream told once. */
export function renderPath(raw: PathReport, style: Style): string {
  const report = clean(raw, !style.unicode);
  const pen = penFor(style);
  const groups = style.verbosity === 'verbose' ? report.walks.map((walk) => [walk]) : alike(report.walks);
  const lines = [...title(report, pen), ...groups.flatMap((group) => block(group, pen)), ...notExamined(report, pen), ...last(report, pen)];
  return `${lines.join('\n')}\n`;
}

function title({ tool, startedAt, tookMs, from, to }: PathReport, pen: Pen): string[] {
  const when = `path, ${startedAt.replace(/^(\S{10})T(\S{8})\S*Z$/, '$1 $2 UTC')}, ${(tookMs / 1000).toFixed(1)} s`;
  const name = `${tool.name} ${tool.version}`;
  return [`${pen.paint(name, 'bold')}  ${pen.paint(when, 'dim')}`, '', ` ${pen.paint(`${from} ${arrow(pen)} ${to}`, 'bold')}`];
}

const looks: Readonly<Record<ToldWalk['end'], { status: 'pass' | 'fail' | 'unknown'; colour: Colour; exit: number }>> = {
  whole: { status: 'pass', colour: 'green', exit: 0 },
  broken: { status: 'fail', colour: 'red', exit: 1 },
  unknown: { status: 'unknown', colour: 'yellow', exit: 2 },
};

function block(group: readonly ToldWalk[], pen: Pen): string[] {
  const [walk, ...others] = group;
  if (!walk) return [];
  const same = `the same for ${others.map((other) => other.upstreamHost ?? other.upstream).join(', ')}`;
  const about = `${walk.protocol.toUpperCase()}, passed on by ${walk.proxy}: ${walk.at.file}:${walk.at.line}`;
  return [
    '',
    heading(walk, pen),
    ...(others.length > 0 ? wrap(same, pen.width - 3).map((line) => `   ${pen.paint(line, 'bold')}`) : []),
    ...(isPartial(walk) ? ['   as far as named hosts go'] : []),
    ...wrap(about, pen.width - 3).map((line) => `   ${pen.paint(line, 'dim')}`),
    ...hops(walk.hops, pen),
  ];
}

function heading({ service, upstream, upstreamHost, end }: ToldWalk, pen: Pen): string {
  const { glyphs } = pen;
  const state = end === 'unknown' ? 'cannot be told' : end;
  const where = `${shorten(service, 40, glyphs.cut)} ${arrow(pen)} ${upstream}${upstreamHost === undefined ? '' : ` on ${shorten(upstreamHost, 30, glyphs.cut)}`}`;
  const text = `${shorten(where, pen.width - state.length - 8, glyphs.cut)}: ${state}`;
  const rest = glyphs.heavy.repeat(Math.max(2, pen.width - displayWidth(text) - 4));
  return pen.paint(`${glyphs.heavy}${glyphs.heavy} ${text} ${rest}`, looks[end].colour, 'bold');
}

/** A host on the way that nobody named is assumed to do its part. */
function isPartial({ hops: all }: ToldWalk): boolean {
  return all.some(({ steps }) => steps.some(({ outcome }) => outcome === 'unseen'));
}

function notExamined({ notExamined: entries }: PathReport, pen: Pen): string[] {
  if (entries.length === 0) return [];
  const lines = entries.flatMap(({ what, why, settle }) =>
    hang(` ${pen.glyphs.none} `, `${what}: ${why}${settle === undefined ? '' : `; ${settle}`}`, pen.width),
  );
  return ['', pen.paint('Not examined', 'bold'), ...lines];
}

function last(report: PathReport, pen: Pen): string[] {
  const { status, colour, exit } = looks[report.end];
  const ports = 'Ports 40000 and 40001 stand for whichever the client and nginx take.';
  const [first = '', ...others] = wrap(`${report.end.toUpperCase()}: ${because(report)} (exit code ${exit})`, pen.width - 3);
  return [
    '',
    ...(report.walks.length > 0 ? [...wrap(ports, pen.width - 1).map((line) => ` ${pen.paint(line, 'dim')}`), ''] : []),
    ` ${mark(status, pen)} ${pen.paint(first, 'bold', colour)}`,
    ...others.map((line) => `   ${pen.paint(line, 'bold', colour)}`),
  ];
}

function because({ walks, end, hosts }: PathReport): string {
  const [all, partial] = [walks.length, walks.filter(isPartial).length];
  if (end === 'whole') {
    const far = partial > 0 ? `; ${partial === all ? 'all' : partial} of them as far as named hosts go` : '';
    return `${all === 1 ? 'the one predicted path leads' : `all ${all} predicted paths lead`} there and back${far}`;
  }
  const broken = walks.filter((walk) => walk.end === 'broken').length;
  if (end === 'broken') return `${broken} of ${paths(all)} end${broken === 1 ? 's' : ''} on the way; tpdoctor check names the cause`;
  const silent = hosts.filter(({ reached }) => !reached).map(({ name }) => name);
  if (silent.length > 0) return `${silent.join(', ')} ${silent.length > 1 ? 'were' : 'was'} not reached`;
  return all === 0 ? 'no path could be predicted' : 'not every step could be told';
}

function paths(count: number): string {
  return `${count} predicted ${count === 1 ? 'path' : 'paths'}`;
}
