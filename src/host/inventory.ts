import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import type { Role, SshWords } from '../types.js';

/** Hosts of a setup, written down once. */
export interface Inventory {
  hosts: ReadonlyMap<string, InventoryHost>;
  /** Names of hosts. */
  groups: ReadonlyMap<string, readonly string[]>;
  /** Addresses and prefixes, as with --client. */
  clients: readonly string[];
}

export interface InventoryHost {
  /** As with --host. */
  target: string;
  roles?: readonly Role[];
  ssh?: SshWords;
}

/** Where in the file, from 1; and what. */
export interface Mistake {
  line: number;
  column: number;
  text: string;
  /** A key that means nothing here, and those that do. */
  key?: { found: string; known: readonly string[] };
}

/** Longer files are no inventory, in characters; and more repetitions by `*alias` than these are refused. */
const longest = 1_000_000;
const mostAliases = 100;

const name = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'a name has 1 to 64 letters, digits, dots, dashes or underscores');
const text = z.string().min(1, 'it is empty').max(4096, 'it is too long');
const role = z.enum(['client', 'proxy', 'router', 'upstream']);
const ssh = z.strictObject({
  user: text.optional(),
  port: z.int().min(1).max(65_535).optional(),
  identityFile: text.optional(),
  jump: text.optional(),
  config: text.optional(),
});
const host = z.union([text, z.strictObject({ target: text, roles: z.array(role).min(1).max(4).optional(), ssh: ssh.optional() })], {
  error: 'expected a target, or target, roles and ssh',
});
const whole = z.strictObject({
  hosts: z.record(name, host),
  groups: z.record(name, z.array(name).min(1)).optional(),
  clients: z.array(text).optional(),
  ssh: ssh.optional(),
});

/** Reads an inventory; every mistake with its place. Merges (`<<`) and aliases are YAML's own. */
export function parseInventory(source: string): { ok: true; inventory: Inventory } | { ok: false; mistakes: Mistake[] } {
  if (source.length > longest) return { ok: false, mistakes: [{ line: 1, column: 1, text: 'the file is too long for an inventory' }] };
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true, merge: true });
  const placed = (offset: number, what: string): Mistake => ({
    line: lines.linePos(offset).line,
    column: lines.linePos(offset).col,
    text: what,
  });
  if (document.errors.length > 0)
    return { ok: false, mistakes: document.errors.map(({ pos, message }) => placed(pos[0], message.split('\n')[0] ?? message)) };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: mostAliases });
  } catch {
    return { ok: false, mistakes: [{ line: 1, column: 1, text: 'too much is repeated by aliases' }] };
  }
  const read = whole.safeParse(value);
  if (!read.success) {
    const mistakes = read.error.issues.flatMap((issue) => explain(issue, []));
    return {
      ok: false,
      mistakes: mistakes.map(({ path, what, key }) => ({ ...placed(offsetOf(document, path), what), ...(key ? { key } : {}) })),
    };
  }
  const unknown = Object.entries(read.data.groups ?? {}).flatMap(([group, members]) =>
    members.flatMap((member, n) =>
      Object.hasOwn(read.data.hosts, member)
        ? []
        : [
            {
              ...placed(offsetOf(document, ['groups', group, n]), `there is no host "${member}"`),
              key: { found: member, known: Object.keys(read.data.hosts) },
            },
          ],
    ),
  );
  return unknown.length > 0 ? { ok: false, mistakes: unknown } : { ok: true, inventory: inventoryOf(read.data) };
}

type Path = readonly (string | number)[];

interface Explained {
  path: Path;
  what: string;
  key?: Mistake['key'];
}

/** Of a choice, what is wrong with the form that was meant. */
function explain(issue: z.core.$ZodIssue, before: Path): Explained[] {
  const path = [...before, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((errors) => errors.some(({ path: inner, code }) => inner.length > 0 || code === 'unrecognized_keys'));
    if (meant) return meant.flatMap((each) => explain(each, path));
  }
  if (issue.code === 'invalid_key') return [{ path, what: issue.issues[0]?.message ?? issue.message }];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...path, key],
      what: `"${key}" means nothing here`,
      key: { found: key, known: keysAt(path) },
    }));
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [{ path, what: isMissing ? `"${path.at(-1)}" is missing` : issue.message }];
}

function keysAt(path: Path): string[] {
  if (path.length === 0) return Object.keys(whole.shape);
  if (path.at(-1) === 'ssh') return Object.keys(ssh.shape);
  return ['target', 'roles', 'ssh'];
}

/** Where the value at a path begins; of a key that has none, or is the mistake itself, the key. */
function offsetOf(document: Document, path: Path): number {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
  const node = pair ? pair.key : path.length === 0 ? document.contents : document.getIn(path, true);
  if (isNode(node) && node.range) return node.range[0];
  return path.length > 0 ? offsetOf(document, path.slice(0, -1)) : 0;
}

function inventoryOf({ hosts, groups = {}, clients = [], ssh: common }: z.infer<typeof whole>): Inventory {
  return {
    hosts: new Map(Object.entries(hosts).map(([each, said]) => [each, hostOf(typeof said === 'string' ? { target: said } : said, common)])),
    groups: new Map(Object.entries(groups)),
    clients,
  };
}

function hostOf(
  { target, roles, ssh: own }: Exclude<z.infer<typeof host>, string>,
  common: z.infer<typeof ssh> | undefined,
): InventoryHost {
  const { user, port, identityFile, jump, config } = { ...common, ...own };
  const words = {
    ...(identityFile === undefined ? {} : { identityFile }),
    ...(jump === undefined ? {} : { jump }),
    ...(config === undefined ? {} : { config }),
  };
  const isSsh = /^ssh:/i.test(target);
  return {
    target: isSsh ? withUserAndPort(target, user, port) : target,
    ...(roles === undefined ? {} : { roles }),
    ...(isSsh && Object.keys(words).length > 0 ? { ssh: words } : {}),
  };
}

/** What the target says itself wins. */
function withUserAndPort(target: string, user: string | undefined, port: number | undefined): string {
  const [, own, place = '', digits] = /^ssh:\/\/(?:([^@/]*)@)?(\[[^\]/]*\]|[^:/]*)(?::([^/]*))?\/?$/i.exec(target) ?? [];
  if (place === '') return target;
  const [login, door] = [own ?? user, digits ?? port];
  return `ssh://${login === undefined ? '' : `${login}@`}${place}${door === undefined ? '' : `:${door}`}`;
}
