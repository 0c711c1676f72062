import { sanitize, sanitizeLines } from './sanitize.js';

/** Commands and configuration text keep their lines and are cut late. */
const commands = new Set(['run', 'undo', 'verify']);
const texts = new Set(['remove', 'insert']);
const longestCopied = 20_000;

/** A copy in which every string is fit for a terminal. Done once for the whole report, so that no part of it can be forgotten. */
export function clean<T>(value: T, ascii: boolean): T {
  return cleanValue(value, '', ascii) as T;
}

function cleanValue(value: unknown, key: string, ascii: boolean): unknown {
  if (typeof value === 'string') return cleanText(value, key, ascii);
  if (Array.isArray(value)) return value.map((entry) => cleanValue(entry, key, ascii));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, cleanValue(entry, name, ascii)]));
}

function cleanText(text: string, key: string, ascii: boolean): string {
  if (commands.has(key)) return cleanCommand(text, ascii);
  return texts.has(key) ? sanitizeLines(text, { most: longestCopied, ascii }) : sanitize(text, { ascii });
}

/** A command that cannot be shown as it is must not be typed as it is shown: it becomes a comment. */
function cleanCommand(text: string, ascii: boolean): string {
  const shown = sanitizeLines(text, { most: longestCopied, ascii });
  if (shown === text) return shown;
  return ['# has characters that cannot be shown; --json has it whole:', ...shown.split('\n').map((line) => `# ${line}`)].join('\n');
}
