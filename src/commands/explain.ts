import { persistenceByFamily } from '../cures/persistence.js';
import { loadChecks, loadRules } from '../engine/catalogue.js';
import { clean } from '../report/clean.js';
import { areaOf, renderContents } from '../report/contents.js';
import { toJson } from '../report/json.js';
import { type Block, type Page, renderPage, type Section } from '../report/page.js';
import { sanitize } from '../report/sanitize.js';
import { penFor, type Style } from '../report/style.js';
import type { Check, Role, Rule, Touched } from '../types.js';
import { nearest } from './near.js';
import { UsageError } from './options.js';
import { matchesGlob } from './selection.js';

export interface ExplainOptions {
  /** An id, an area (`dsr` or `dsr/`) or a glob. */
  id?: string;
  json: boolean;
  style: Style;
}

/** What the catalogue says: a list of everything or of what an area or glob selects, or the page of one id. Asks no host. */
export async function explain({ id, json, style }: ExplainOptions): Promise<string> {
  const [checks, causes] = await Promise.all([loadChecks(), loadRules()]);
  const entries = [...[...causes].map(describeCause), ...[...checks].map(describeCheck)];
  const pages = entries.filter((entry) => entry.id === id);
  if (pages.length > 0)
    return json ? `${toJson(pages)}\n` : pages.map((entry) => renderPage(clean(pageOf(entry), !style.unicode), penFor(style))).join('\n');
  const listed = entries.filter((entry) => id === undefined || isSelected(entry, id)).map(({ kind, id, title }) => ({ kind, id, title }));
  if (listed.length === 0) throw new UsageError(unknownId(id ?? '', entries));
  return json ? `${toJson(listed)}\n` : renderContents(clean(listed, !style.unicode), penFor(style));
}

interface Cause {
  kind: 'cause';
  id: string;
  title: string;
  why: string;
  signs: Rule['signs'];
  proof: string;
  cure: Rule['cure'];
  /** How what the cure changes lasts over a reboot, by family of distributions; `any` where all agree. */
  lasts: readonly { touches: Touched; family: string; how: string }[];
}

interface Checked {
  kind: 'check';
  id: string;
  title: string;
  why: string;
  fix: string;
  roles: readonly Role[];
  needs: readonly string[];
}

type Entry = Cause | Checked;

function describeCause([id, { title, why, signs, proof, cure }]: readonly [string, Rule]): Cause {
  const lasts = cure.touches.flatMap((touches) => persistenceByFamily(touches).map((means) => ({ touches, ...means })));
  return { kind: 'cause', id, title, why, signs, proof, cure, lasts };
}

function describeCheck([id, { title, why, fix, roles, needs }]: readonly [string, Check]): Checked {
  return { kind: 'check', id, title, why, fix, roles, needs };
}

function isSelected({ id }: Entry, wanted: string): boolean {
  return areaOf({ id }) === wanted.replace(/\/$/, '') || matchesGlob(id, wanted);
}

function pageOf(entry: Entry): Page {
  const { id, title } = entry;
  return entry.kind === 'check'
    ? { id, title, what: `check on ${entry.roles.join(', ')}`, sections: sectionsOfCheck(entry) }
    : { id, title, what: 'cause', sections: sectionsOfCause(entry) };
}

function sectionsOfCheck({ why, fix, needs }: Checked): Section[] {
  return [prose('Why it matters', why), prose('What to do', fix), prose('Reads', needs.join(', '))];
}

function sectionsOfCause({ why, signs, proof, cure, lasts }: Cause): Section[] {
  return [
    prose('What it means', why),
    prose('In logs and counters', signs.logs),
    prose('In captures', signs.packets),
    prose('What proves it, and what only looks like it', proof),
    { heading: 'Cure', blocks: cureBlocks(cure.how) },
    ...lastingSections(lasts),
  ];
}

function prose(heading: string, text: string): Section {
  return { heading, blocks: [{ text }] };
}

/** Lines that begin with two blanks are commands, others are paragraphs. */
export function cureBlocks(how: string): Block[] {
  return how.split('\n').map((line) => (line.startsWith('  ') ? { run: line.trim() } : { text: line }));
}

const names: Readonly<Record<Touched, string>> = {
  nginx: "nginx's configuration",
  sysctl: 'sysctls',
  firewall: 'firewall rules',
  route: 'routes',
  'policy-rule': 'policy rules',
  'traffic-control': 'tc filters',
  unit: "the service's unit",
  package: 'packages and modules',
  platform: "the platform's setting",
  server: 'the service',
};

/** Kinds that last by the same means, such as routes and policy rules, share a section. */
function lastingSections(lasts: Cause['lasts']): Section[] {
  const sections = new Map<string, { kinds: string[]; blocks: Block[] }>();
  for (const kind of new Set(lasts.map(({ touches }) => touches))) {
    const blocks = lasts
      .filter(({ touches }) => touches === kind)
      .map(({ family, how }) => (family === 'any' ? { text: how } : { name: family, text: how }));
    const same = sections.get(JSON.stringify(blocks));
    if (same) same.kinds.push(names[kind]);
    else sections.set(JSON.stringify(blocks), { kinds: [names[kind]], blocks });
  }
  return [...sections.values()].map(({ kinds, blocks }) => ({ heading: `Over a reboot: ${kinds.join(' and ')}`, blocks }));
}

function unknownId(id: string, entries: readonly Entry[]): string {
  const near = nearest(id, new Set(entries.map((entry) => entry.id)));
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'tpdoctor explain lists all of them';
  return `no check or cause is called "${sanitize(id, { most: 80 })}": ${hint}`;
}
