import type { PatternStep, TracePattern } from '../../types.js';
import { shorten } from '../layout.js';
import { split } from './endpoint.js';
import { endOf } from './hops.js';

/** `+0.213 ms`, `+1.004 s`, at most 11 characters; empty where no time is known. */
export function timeText(afterUs: number | undefined): string {
  if (afterUs === undefined) return '';
  const sign = afterUs < 0 ? '-' : '+';
  const ms = Math.abs(afterUs) / 1000;
  if (ms < 999.9995) return `${sign}${ms.toFixed(3)} ms`;
  const seconds = Math.min(ms / 1000, 99_999_999);
  return `${sign}${seconds.toFixed(seconds < 10_000 ? 3 : 0)} s`;
}

/** What to write where a transaction ended; nothing where it was delivered. */
export function endText(pattern: TracePattern): string | undefined {
  const { end, path, neverSeenBy } = pattern;
  const last = path[endOf(pattern)];
  if (!last) return undefined;
  if (end === 'vanished') return vanished(last, neverSeenBy);
  if (end === 'refused') return 'refused here';
  if (end === 'misdelivered') return astray(pattern, last);
  return end === 'ambiguous' ? 'what became of it cannot be told' : undefined;
}

/** Seen is not accepted: a host may drop what its interface has shown. */
function vanished({ dir, host, iface }: PatternStep, next: TracePattern['neverSeenBy']): string {
  const never = next && `${shorten(next.host, 30)} ${shorten(next.iface, 16)} never saw it`;
  if (dir === 'out') return `seen here last; ${never ?? 'no other host saw it'}`;
  const name = shorten(host, 30);
  return `came in on ${name} ${shorten(iface, 16)}; ${never ?? `nothing came out of ${name}`}`;
}

/** Why the one that waits for this packet does not know it. */
function astray({ path }: TracePattern, last: PatternStep): string {
  const asked = path[0];
  if (!asked || last.dir === 'out') return `${shorten(last.host, 30)} sends it on, past the one that waits for it`;
  if (split(last.src)[0] !== split(asked.dst)[0]) return `comes from ${brief(last.src)}, and ${brief(asked.dst)} was asked`;
  if (last.dst !== asked.src) return `comes to ${brief(last.dst)}, and ${brief(asked.src)} asked`;
  return 'nobody waits for it here';
}

function brief(endpoint: string): string {
  return shorten(endpoint, 56);
}
