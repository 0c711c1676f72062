import type { Check, Role, Rule, Touched } from '../types.js';
import { modulesBelow } from './modules.js';

/** Checks and rules lie beside `src`, in the sources and in what is built from them. */
const root = new URL('../../', import.meta.url);

const roles: readonly Role[] = ['client', 'proxy', 'router', 'upstream'];

const touched: Readonly<Record<Touched, true>> = {
  nginx: true,
  sysctl: true,
  firewall: true,
  route: true,
  'policy-rule': true,
  'traffic-control': true,
  unit: true,
  package: true,
  platform: true,
  server: true,
};

/** Every check by its id (path below checks/ without ending), sorted. Rejects when a module is not a check: that is our own error. */
export function loadChecks(from: URL = new URL('checks/', root)): Promise<Map<string, Check>> {
  return load(from, asCheck);
}

/** Every rule by its id, which is the cause it concludes. */
export function loadRules(from: URL = new URL('rules/', root)): Promise<Map<string, Rule>> {
  return load(from, asRule);
}

async function load<T>(from: URL, as: (module: unknown, id: string) => T): Promise<Map<string, T>> {
  const modules = [...(await modulesBelow(from))];
  return new Map(await Promise.all(modules.map(async ([id, open]) => [id, as(await read(open, id), id)] as const)));
}

async function read(open: () => Promise<unknown>, id: string): Promise<unknown> {
  try {
    return await open();
  } catch (error) {
    throw new BrokenModule(id, error instanceof Error ? error.message : 'cannot be loaded', { cause: error });
  }
}

function asRule(module: unknown, id: string): Rule {
  const rule = asEntry(module, id);
  requireText(rule, id, ['proof']);
  requireText(part(rule, id, 'signs'), `${id}, signs`, ['logs', 'packets']);
  const cure = part(rule, id, 'cure');
  requireText(cure, `${id}, cure`, ['how']);
  if (!isListOf(cure.touches, (kind) => typeof kind === 'string' && Object.hasOwn(touched, kind)) || cure.touches.length === 0)
    throw new BrokenModule(id, 'cure.touches is not a list of what cures touch');
  return rule as unknown as Rule;
}

function asCheck(module: unknown, id: string): Check {
  const check = asEntry(module, id);
  requireText(check, id, ['fix']);
  const { needs, roles: applies } = check;
  if (!isListOf(needs, (need) => typeof need === 'string')) throw new BrokenModule(id, 'needs is not a list of facts');
  if (!isListOf(applies, (role) => roles.some((known) => known === role))) throw new BrokenModule(id, 'roles is not a list of roles');
  return check as unknown as Check;
}

/** What checks and rules share. */
function asEntry(module: unknown, id: string): Record<string, unknown> {
  const entry = part(module as Record<string, unknown>, id, 'default');
  requireText(entry, id, ['title', 'why']);
  if (typeof entry.run !== 'function') throw new BrokenModule(id, 'run is not a function');
  return entry;
}

/** A file of the catalogue that does not export what it must. */
export class BrokenModule extends Error {
  constructor(id: string, problem: string, options?: ErrorOptions) {
    super(`catalogue module ${id}: ${problem}`, options);
  }
}

function part(of: Record<string, unknown>, id: string, name: string): Record<string, unknown> {
  const found = of[name];
  if (typeof found !== 'object' || found === null) throw new BrokenModule(id, `${name} is missing`);
  return found as Record<string, unknown>;
}

function requireText(of: Record<string, unknown>, id: string, names: readonly string[]): void {
  for (const name of names) {
    const value = of[name];
    if (typeof value !== 'string' || value.trim() === '') throw new BrokenModule(id, `${name} is missing`);
  }
}

function isListOf(value: unknown, fits: (entry: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.every(fits);
}
