import type { Case, TracePattern, Walk } from '../types.js';
import { isLaterFragment, lastOf, walksOf } from './packets.js';

/** Answers by this way of which a later fragment came under the upstream's own address though the first one was rewritten. */
export function tornAnswers(c: Case, walk: Walk): TracePattern[] {
  // What packets showed is of the hosts as they are, not of a mended copy.
  if (c.read !== undefined) return [];
  return (c.observed?.patterns ?? []).filter((pattern) => isTorn(pattern) && walksOf(c, pattern).includes(walk));
}

function isTorn(pattern: TracePattern): boolean {
  const last = lastOf(pattern);
  const isRewritten = pattern.path.some((step) => step.leg === 'answer' && !isLaterFragment(step));
  return pattern.end === 'misdelivered' && isRewritten && last?.leg === 'reply' && isLaterFragment(last);
}
