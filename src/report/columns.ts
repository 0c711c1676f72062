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
};

const gap = 2;
const narrowest = 8;

/** Text, which is wrapped as prose unless it is painted, or parts that may be painted and stay whole. */
export type Cell = string | readonly string[];

/**
 * Cells side by side, the widest columns wrapped until the whole fits. Cells are wrapped here and not by cli-table3: it cuts long words,
 * through the middle of a character if need be, and an address must not lose its end.
 */
export function columns(rows: readonly (readonly Cell[])[], pen: Pen): string[] {
  if (rows.length === 0) return [];
  const count = Math.max(...rows.map((row) => row.length));
  const natural = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => naturalWidth(row[i] ?? ''))) + gap);
  const widths = fit(natural, pen.width + gap);
  const table = new Table({ chars: noBorders, style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap } });
  table.push(...rows.map((row) => row.map((cell, i) => lay(cell, (widths[i] ?? narrowest) - gap).join('\n'))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

function lay(cell: Cell, room: number): string[] {
  if (typeof cell !== 'string') return layParts(cell, room);
  return cell.includes('\x1b') || displayWidth(cell) <= room ? [cell] : wrap(cell, room);
}

const between = '   ';

function layParts(parts: readonly string[], room: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && visibleWidth(last + between + part) <= room) lines[lines.length - 1] = last + between + part;
    else lines.push(part);
  }
  return lines;
}

function fit(natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  for (let over = widths.reduce((sum, each) => sum + each, 0) - width; over > 0; over--) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= narrowest + gap) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function naturalWidth(cell: Cell): number {
  return visibleWidth(typeof cell === 'string' ? cell : cell.join(between));
}

/** Without the colours. */
function visibleWidth(text: string): number {
  return displayWidth(text.replace(/\x1b\[[0-9;]*m/g, ''));
}
