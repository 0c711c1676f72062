import fc from 'fast-check';
import type { Report } from '../../src/types.js';

/** What a host or a file may say anywhere. */
export const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xa0 }), { maxLength: 40 }).map((codes) => String.fromCharCode(...codes)),
);
/** Replaces every text of the report that hosts or files decide about. */
export function poisoned(report: Report, text: string): Report {
  const fixed = new Set(['schema', 'verdict', 'status', 'severity', 'mode', 'kind', 'protocol', 'command', 'roles']);
  const change = (value: unknown, key: string): unknown => {
    if (fixed.has(key)) return value;
    if (typeof value === 'string') return text;
    if (Array.isArray(value)) return value.map((entry) => change(entry, key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, change(entry, name)]));
  };
  return change(report, '') as Report;
}
