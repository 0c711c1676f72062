import type { Report } from '../types.js';
import type { Style } from './style.js';

export type Format = (report: Report, style: Style) => string;

/** One format per file; loaded when asked for. */
export const formats: ReadonlyMap<string, () => Promise<Format>> = new Map<string, () => Promise<Format>>([
  ['table', async () => (await import('./table.js')).renderTable],
  ['junit', async () => (await import('./junit.js')).renderJunit],
  ['markdown', async () => (await import('./markdown.js')).renderMarkdown],
  ['json', async () => (await import('./json.js')).renderJson],
]);
