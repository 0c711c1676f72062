import type { FoundPattern } from '../journeys/pattern.js';
import { type LiveCounts, renderLive } from '../report/trace-story/live.js';
import type { Io } from './options.js';

/** Columns of a terminal that does not tell. */
const usualWidth = 80;

/** What captures have shown until now, in the line that a terminal has for it. */
export function showProgress(found: readonly FoundPattern[], so: Pick<LiveCounts, 'seconds' | 'packets' | 'points'>, io: Io): void {
  const counts = { ...so, complete: 0, failing: failuresIn(found) };
  for (const { judgement, count } of found) if (judgement.end === 'delivered') counts.complete += count;
  io.progress(renderLive(counts, { width: io.columns ?? usualWidth, ascii: true }));
}

/** Alike where they end at the same interface in the same way. */
function failuresIn(found: readonly FoundPattern[]): LiveCounts['failing'] {
  const failures = new Map<string, LiveCounts['failing'][number]>();
  for (const { judgement, count } of found) {
    const { end, vanishedAfter, last } = judgement;
    if (end === 'delivered') continue;
    const at = end === 'ambiguous' ? undefined : (vanishedAfter ?? last);
    const key = `${end}\0${at?.host}\0${at?.iface}`;
    const before = failures.get(key)?.count ?? 0;
    failures.set(key, { end, count: before + count, ...(at ? { at: { host: at.host, iface: at.iface } } : {}) });
  }
  return [...failures.values()];
}
