import { sanitize, sanitizeLines } from './sanitize.js';

/** Commands and configuration text keep their lines and are cut late: half a command must not be typed. */
const copied = new Set(['run', 'undo', 'remove', 'insert']);
const longestCopied = 20_000;

/** A copy in which every string is fit for a terminal. Done once for the whole report, so that no part of it can be forgotten. */
export function clean<T>(value: T, ascii: boolean): T {
  return cleanValue(value, '', ascii) as T;
}

function cleanValue(value: unknown, key: string, ascii: boolean): unknown {
  if (typeof value === 'string') return copied.has(key) ? sanitizeLines(value, { most: longestCopied, ascii }) : sanitize(value, { ascii });
  if (Array.isArray(value)) return value.map((entry) => cleanValue(entry, key, ascii));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, cleanValue(entry, name, ascii)]));
}
