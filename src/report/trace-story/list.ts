import type { TracePattern } from '../../types.js';
import { displayWidth, padEnd, shorten, wrap } from '../layout.js';
import type { Pen } from '../style.js';
import { addresses } from './endpoint.js';
import { endOf } from './hops.js';
import { endText, timeText } from './wording.js';

const timeColumn = 13;

/** One transaction as lines, for terminals that are too narrow for a drawing: where it was seen, and its addresses where they change. */
export function list(pattern: TracePattern, pen: Pen): string[] {
  const { path, end } = pattern;
  const arrow = pen.unicode ? '→' : '->';
  const places = path.map(({ host, iface, dir }) => `${shorten(host, 20, pen.glyphs.cut)} ${shorten(iface, 16, pen.glyphs.cut)} ${dir}`);
  const widest = Math.min(Math.max(0, ...places.map(displayWidth)), pen.width - timeColumn);
  const ending = endOf(pattern);
  const text = endText(pattern);
  return path.flatMap((step, i) => {
    const before = path[i - 1];
    const isKnown = before?.src === step.src && before.dst === step.dst && i !== ending;
    const ends = i === ending && text !== undefined;
    const about = isKnown
      ? []
      : addresses(step, before, { arrow, room: pen.width - timeColumn }).map((parts) => parts.map(({ text }) => text).join(''));
    const place = padEnd(shorten(places[i] ?? '', widest, pen.glyphs.cut), widest);
    const time = timeText(step.afterUs).padStart(timeColumn - 2);
    const note = shorten(step.note ?? '', 200);
    const oneLine = timeColumn + widest + 2 + displayWidth(note) <= pen.width;
    return [
      `${pen.paint(time, 'dim')}  ${place}${oneLine && note !== '' ? `  ${pen.paint(note, 'cyan')}` : ''}`.trimEnd(),
      ...below([...(oneLine || note === '' ? [] : [note]), ...about], pen),
      ...(ends
        ? below([`${end === 'ambiguous' ? pen.glyphs.doubt : pen.glyphs.cross} ${text}`], pen).map((line) =>
            pen.paint(line, end === 'ambiguous' ? 'yellow' : 'red', 'bold'),
          )
        : []),
    ];
  });
}

function below(texts: readonly string[], pen: Pen): string[] {
  return texts.flatMap((text) => wrap(text, pen.width - timeColumn).map((line) => ' '.repeat(timeColumn) + line));
}
