import type { Report } from '../types.js';

/** Legal in JSON, yet able to steer a terminal or break a line: written as escapes, which changes nothing for a reader of JSON. */
const risky = /[\x7f-\x9f\p{Cf}\u2028\u2029]/gu;

/** One document and a newline. */
export function renderJson(report: Report): string {
  return `${toJson(report)}\n`;
}

export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(risky, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
