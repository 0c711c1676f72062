import Table from 'cli-table3';
import { displayWidth, wrap } from './layout.js';
import type { Pen } from './style.js';

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}; // prettier-ignore

const gap = 2;
const narrowest = 8;

/** Cells side by side, the widest columns wrapped until the whole fits. Cells may be painted. */
export function columns(rows: readonly (readonly string[])[], pen: Pen, head: readonly string[] = []): string[] {
  const all = head.length > 0 ? [head, ...rows] : rows;
  if (rows.length === 0) return [];
  const count = Math.max(...all.map((row) => row.length));
  const natural = Array.from({ length: count }, (_, i) => Math.max(...all.map((row) => visibleWidth(row[i] ?? ''))) + gap);
  const widths = fit(natural, pen.width);
  const table = new Table({
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
    colWidths: widths,
    truncate: pen.glyphs.cut,
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  // cli-table3 cuts words that are too long for a column; an address must not lose its end.
  const wrapped = (cell: string, i: number) => (cell.includes('\x1b') ? cell : wrap(cell, (widths[i] ?? narrowest) - gap).join('\n'));
  if (head.length > 0) table.push(head.map((cell) => pen.paint(cell, 'dim')));
  table.push(...rows.map((row) => row.map(wrapped)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

function fit(natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  let over = widths.reduce((sum, each) => sum + each, 0) - width;
  while (over > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= narrowest + gap) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over--;
  }
  return widths;
}

function visibleWidth(cell: string): number {
  return Math.max(...cell.split('\n').map((line) => displayWidth(line.replace(/\x1b\[[0-9;]*m/g, ''))));
}
