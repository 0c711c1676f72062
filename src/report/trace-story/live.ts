import type { CapturePoint, PatternEnd } from '../../types.js';
import { displayWidth } from '../layout.js';
import { sanitize } from '../sanitize.js';
import { count } from './traffic.js';

/** What is known while captures run. */
export interface LiveCounts {
  seconds: number;
  packets: number;
  points: number;
  complete: number;
  /** Transactions that did not complete so far, by how and where they ended. */
  failing: readonly { count: number; end: Exclude<PatternEnd, 'delivered'>; at?: CapturePoint }[];
}

const words = { vanished: 'vanished after', refused: 'refused at', misdelivered: 'misdelivered at', ambiguous: 'under way' } as const;

/** One line that fits the terminal: what has room, the most frequent failures first. */
export function renderLive(
  { seconds, packets, points, complete, failing }: LiveCounts,
  { width, ascii }: { width: number; ascii: boolean },
): string {
  const dot = ascii ? ' - ' : ' · ';
  const parts = [
    `${Math.floor(seconds)} s`,
    `${count(packets, 'packet')} at ${count(points, 'point')}`,
    `${complete} complete`,
    ...failing
      .toSorted((a, b) => Number(a.end === 'ambiguous') - Number(b.end === 'ambiguous') || b.count - a.count)
      .map(({ count: times, end, at }) => {
        const place = at && end !== 'ambiguous' ? ` ${sanitize(`${at.host} ${at.iface}`, { most: 40, ascii })}` : '';
        return `${times} ${place === '' ? words[end].replace(/ (after|at)$/, '') : words[end]}${place}`;
      }),
  ];
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : line + dot + part;
    if (displayWidth(longer) > width - 1) break;
    line = longer;
  }
  return line;
}
