import { loadChecks, loadRules } from '../engine/catalogue.js';
import { clean } from '../report/clean.js';
import { toJson } from '../report/json.js';
import { wrap } from '../report/layout.js';
import { sanitize } from '../report/sanitize.js';
import { type Pen, penFor, type Style } from '../report/style.js';
import type { Check, Rule } from '../types.js';
import { nearest } from './near.js';
import { UsageError } from './options.js';

export interface ExplainOptions {
  id?: string;
  json: boolean;
  style: Style;
}

/** What the catalogue says, about everything or one id. Asks no host. */
export async function explain({ id, json, style }: ExplainOptions): Promise<string> {
  const [checks, causes] = await Promise.all([loadChecks(), loadRules()]);
  const entries = [...describeAll('cause', causes), ...describeAll('check', checks)];
  const shown = id === undefined ? entries : entries.filter((entry) => entry.id === id);
  if (id !== undefined && shown.length === 0) throw new UsageError(unknownId(id, entries));
  if (json) return `${toJson(id === undefined ? shown.map(({ kind, id, title }) => ({ kind, id, title })) : shown)}\n`;
  const readable = clean(shown, !style.unicode);
  const pen = penFor(style);
  return id === undefined ? list(readable, pen) : readable.map((entry) => tell(entry, pen)).join('\n');
}

interface Entry {
  kind: 'cause' | 'check';
  id: string;
  title: string;
  why: string;
  /** Checks only: how it is mended, roles it applies to, facts it reads. */
  fix?: string;
  roles?: readonly string[];
  needs?: readonly string[];
}

function describeAll(kind: Entry['kind'], catalogue: ReadonlyMap<string, Check | Rule>): Entry[] {
  return [...catalogue].map(([id, entry]) => {
    const { title, why } = entry;
    return 'needs' in entry ? { kind, id, title, why, fix: entry.fix, roles: entry.roles, needs: entry.needs } : { kind, id, title, why };
  });
}

const headings = { cause: 'Causes: what a diagnosis can name', check: 'Checks: what should be true of a host' };

function list(entries: readonly Entry[], pen: Pen): string {
  const indent = Math.min(48, Math.max(0, ...entries.map(({ id }) => id.length)) + 4);
  const line = ({ id, title }: Entry) => {
    const [first = '', ...others] = wrap(title, pen.width - indent);
    return [`  ${pen.paint(id.padEnd(indent - 2), 'cyan')}${first}`, ...others.map((rest) => ' '.repeat(indent) + rest)];
  };
  const group = (kind: Entry['kind']) => {
    const members = entries.filter((entry) => entry.kind === kind);
    return members.length > 0 ? [pen.paint(headings[kind], 'bold'), ...members.flatMap(line), ''] : [];
  };
  return [...group('cause'), ...group('check'), 'tpdoctor explain ID tells more about one of them.', ''].join('\n');
}

function tell({ kind, id, title, why, fix, roles, needs }: Entry, pen: Pen): string {
  const block = (name: string, text: string) => ['', pen.paint(name, 'bold'), ...wrap(text, pen.width - 2).map((line) => `  ${line}`)];
  return [
    `${pen.paint(id, 'bold', 'cyan')}  (${kind}${roles ? ` on ${roles.join(', ')}` : ''})`,
    ...wrap(title, pen.width),
    ...block('Why it matters', why),
    ...(fix === undefined
      ? block('How it is cured', 'tpdoctor check prints the commands, made for the hosts at hand and tested on a copy.')
      : block('What to do', fix)),
    ...(needs && needs.length > 0 ? block('Reads', needs.join(', ')) : []),
    '',
  ].join('\n');
}

function unknownId(id: string, entries: readonly Entry[]): string {
  const near = nearest(id, new Set(entries.map((entry) => entry.id)));
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'tpdoctor explain lists all of them';
  return `no check or cause is called "${sanitize(id, { most: 80 })}": ${hint}`;
}
