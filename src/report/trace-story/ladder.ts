import type { PatternStep, TracePattern } from '../../types.js';
import { displayWidth, shorten, wrap } from '../layout.js';
import type { Colour, Pen } from '../style.js';
import { Canvas } from './canvas.js';
import { addresses, type Part, widthOf } from './endpoint.js';
import { type Hop, hopsOf, isAt, stepOf } from './hops.js';
import { goesLeft, heading, type Lifeline, lifelinesOf, stub, timeWidth } from './lifelines.js';
import { list } from './list.js';
import { endText, timeText } from './wording.js';

/** One transaction as a drawing: interfaces are columns, packets are arrows from one to the next. A list where there is no room for that. */
export function ladder(pattern: TracePattern, pen: Pen): string[] {
  const hops = hopsOf(pattern);
  const lines = lifelinesOf(pattern, hops, pen.width);
  if (!lines) return list(pattern, pen);
  const text = endText(pattern);
  let shown: PatternStep | undefined;
  const rows = hops.flatMap((hop, i) => {
    const before = hops.slice(0, i).findLast(({ way }) => way === hop.way);
    // An error has the addresses of the packet that it is about.
    const isKnown = (!hop.ends || isError(hop)) && isSamePair(shown, stepOf(hop));
    shown = stepOf(hop);
    return [
      ...arrowRow(hop, pattern, lines, pen),
      ...textRows(hop, before, isKnown, lines, pen),
      ...(hop.ends && text !== undefined ? endRows(hop, text, pattern, lines, pen) : []),
    ];
  });
  return [...heading(lines, pen), ...rows];
}

function isError(hop: Hop): boolean {
  return stepOf(hop)?.note?.startsWith('ICMP') === true;
}

/** An answer to what was shown before has the same addresses the other way round. */
function isSamePair(a: PatternStep | undefined, b: PatternStep | undefined): boolean {
  return a !== undefined && b !== undefined && ((a.src === b.src && a.dst === b.dst) || (a.src === b.dst && a.dst === b.src));
}

interface Span {
  from: number;
  to: number;
  /** Where it came in, unless that was not seen. */
  head: Lifeline | undefined;
}

/** A hop of which one end was not seen goes half of the way to the next line. */
function spanOf(hop: Hop, lines: readonly Lifeline[]): Span {
  const [tail, head] = [hop.sent, hop.seen].map((step) => lines.find((line) => step !== undefined && isAt(line, step)));
  if (tail && head) return { from: tail.column, to: head.column, head };
  const known = tail ?? head;
  if (!known) return { from: timeWidth, to: timeWidth, head };
  const at = lines.indexOf(known);
  const neighbour = goesLeft(hop) ? lines[at - 1] : lines[at + 1];
  const reach = neighbour ? Math.max(4, Math.floor(Math.abs(neighbour.column - known.column) * 0.7)) : stub - 1;
  const other = Math.max(timeWidth - 1, known.column + (goesLeft(hop) ? -reach : reach));
  return tail ? { from: known.column, to: other, head } : { from: other, to: known.column, head };
}

function arrowRow(hop: Hop, { end }: TracePattern, lines: readonly Lifeline[], pen: Pen): string[] {
  const { glyphs } = pen;
  const row = lifelineRow(lines, pen);
  const { from, to, head } = spanOf(hop, lines);
  const right = to >= from;
  const colours = hop.ends && end !== 'ambiguous' ? endColours[end] : (['cyan'] as const);
  const [start, stop] = right ? [from, to] : [to, from];
  const time = timeText(stepOf(hop)?.afterUs);
  row.put(timeWidth - 2 - time.length, time, 'dim');
  row.put(start, glyphs.line.repeat(stop - start + 1), ...colours);
  if (hop.sent) row.put(from, right ? (glyphs.tees[0] ?? '') : (glyphs.tees[1] ?? ''), ...colours);
  const isLost = hop.ends && end === 'vanished';
  if (head) row.put(right ? to - 1 : to + 1, right ? glyphs.right : glyphs.left, ...colours);
  if (head) row.put(to, isLost ? glyphs.cross : glyphs.bar, ...(isLost ? colours : (['dim'] as const)));
  else row.put(to, isLost ? glyphs.cross : right ? glyphs.right : glyphs.left, ...colours);
  const word = wordOnArrow(hop, lines);
  if (word !== '') row.put(start + Math.max(2, Math.floor((stop - start - displayWidth(word) - 1) / 2)), ` ${word} `, ...colours);
  return [row.toLine(pen)];
}

const endColours: Readonly<Record<Exclude<TracePattern['end'], 'ambiguous'>, readonly Colour[]>> = {
  delivered: ['green'],
  vanished: ['red', 'bold'],
  refused: ['red', 'bold'],
  misdelivered: ['red', 'bold'],
};

/** The first part of the note, where the arrow is long enough for it. */
function wordOnArrow(hop: Hop, lines: readonly Lifeline[]): string {
  const { from, to } = spanOf(hop, lines);
  const [word = ''] = notesOf(hop);
  const fits = (text: string) => displayWidth(text) + 5 <= Math.abs(to - from);
  if (fits(word)) return word;
  return word.startsWith('ICMP') && fits('ICMP') ? 'ICMP' : '';
}

const mostNote = 100;

function notesOf({ sent, seen }: Hop): string[] {
  const notes = [sent, seen].flatMap((step) => step?.note?.split(', ') ?? []).filter((note) => note !== '');
  return [...new Set(notes.map((note) => shorten(note, mostNote)))];
}

const slowUs = 1000;

/** What an arrow has no room for: addresses unless they are known, and the rest of the note. */
function textRows(hop: Hop, before: Hop | undefined, isKnown: boolean, lines: readonly Lifeline[], pen: Pen): string[] {
  const word = wordOnArrow(hop, lines);
  const took = (hop.seen?.afterUs ?? 0) - (hop.sent?.afterUs ?? 0);
  const slow = hop.sent?.afterUs !== undefined && hop.seen?.afterUs !== undefined && took >= slowUs;
  const text = [...notesOf(hop).filter((note) => note !== word), ...(slow ? [`${timeText(took).slice(1)} on the wire`] : [])].join(', ');
  const room = pen.width - timeWidth;
  const told = isKnown ? [] : story(hop, before, room, pen);
  const last = told.at(-1);
  const isNew = text.includes('rewritten') || text.includes('not the client');
  if (text !== '' && last && widthOf(last) + 2 + displayWidth(text) <= room) last.push({ text: '  ', isNew: false }, { text, isNew });
  else if (text !== '') told.push(...wrap(text, room).map((line) => [{ text: line, isNew }]));
  const { from, to } = spanOf(hop, lines);
  const column = Math.min(Math.min(from, to) + 2, pen.width - Math.max(0, ...told.map(widthOf)));
  return told.map((parts) => textRow(parts, Math.max(timeWidth, column), lines, pen));
}

/** Addresses, with what is new in them painted; where they changed under way, as they came in, too. */
function story(hop: Hop, before: Hop | undefined, room: number, pen: Pen): Part[][] {
  const look = { arrow: pen.unicode ? '→' : '->', room };
  const { sent, seen } = hop;
  const first = stepOf(hop);
  const old = before && (before.seen ?? before.sent);
  const isChanged = sent && seen && (sent.src !== seen.src || sent.dst !== seen.dst);
  const changed: Part[][] = isChanged ? [[{ text: 'and comes in as', isNew: false }], ...addresses(seen, sent, look)] : [];
  return [...(first ? addresses(first, old, look) : []), ...changed];
}

function textRow(parts: readonly Part[], column: number, lines: readonly Lifeline[], pen: Pen, ...colours: Colour[]): string {
  const row = lifelineRow(lines, pen);
  row.put(column - 1, ' '.repeat(widthOf(parts) + 2));
  let at = column;
  for (const { text, isNew } of parts) {
    row.put(at, text, ...(isNew ? (['yellow', 'bold'] as const) : colours));
    at += displayWidth(text);
  }
  return row.toLine(pen);
}

function endRows(hop: Hop, text: string, { end }: TracePattern, lines: readonly Lifeline[], pen: Pen): string[] {
  const { from, to } = spanOf(hop, lines);
  const isOpen = end === 'ambiguous';
  const marked = `${isOpen ? pen.glyphs.doubt : pen.glyphs.cross} ${text}`;
  const room = pen.width - timeWidth;
  const rows = wrap(marked, room);
  const widest = Math.max(...rows.map(displayWidth));
  const column = Math.max(timeWidth, Math.min(Math.min(from, to) + 2, pen.width - widest));
  return rows.map((line) => textRow([{ text: line, isNew: false }], column, lines, pen, isOpen ? 'yellow' : 'red', 'bold'));
}

function lifelineRow(lines: readonly Lifeline[], pen: Pen): Canvas {
  const row = new Canvas();
  for (const { column } of lines) row.put(column, pen.glyphs.bar, 'dim');
  return row;
}
