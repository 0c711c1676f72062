import { combine } from '../cures/combine.js';
import { directiveText, editConfig, type LineEdit, lineAt } from '../cures/nginx.js';
import type { At, Case, Cure, Service, Snapshot } from '../types.js';
import { groupBy } from './broken.js';

export interface DirectiveChange {
  name: string;
  /** Where the value that holds for a service is written. */
  at(service: Service): At | undefined;
  /** The directive as it must be, from the directive as it is written. */
  become(text: string): string;
  why: string;
}

type Change = LineEdit & { pid: number };

/**
 * Changes a directive for some services of one host. A line that other services inherit as well stays as it is: each of these
 * services then gets a line of its own before its proxy_pass.
 */
export function rewriteDirective(c: Case, services: readonly Service[], change: DirectiveChange): Cure[] {
  const snapshot = c.snapshots.get(services[0]?.host ?? '');
  return snapshot ? asCure(snapshot, rewritten(c, snapshot, services, change)) : [];
}

export interface Setting extends Pick<DirectiveChange, 'name' | 'at' | 'why'> {
  /** With its semicolon. */
  text: string;
}

/** Gives some services of one host these directives, wherever they are written now, or before proxy_pass where they are not. One cure. */
export function setDirectives(c: Case, services: readonly Service[], settings: readonly Setting[]): Cure[] {
  const snapshot = c.snapshots.get(services[0]?.host ?? '');
  if (!snapshot) return [];
  const changes = settings.flatMap(({ text, ...setting }) => {
    const missing = services.filter((service) => !setting.at(service));
    const written = services.filter((service) => setting.at(service));
    return [
      ...rewritten(c, snapshot, written, { ...setting, become: () => text }),
      ...missing.flatMap((service) => beforePass(snapshot, service, text, setting.why)),
    ];
  });
  return asCure(snapshot, changes);
}

function rewritten(c: Case, snapshot: Snapshot, services: readonly Service[], { name, at, become, why }: DirectiveChange): Change[] {
  const lines = groupBy(services, (service) => placeOf(service.master, at(service)));
  return [...lines].flatMap(([place, users]): Change[] => {
    const written = users[0] && at(users[0]);
    const text = written && directiveText(snapshot, users[0]?.master ?? 0, { name, at: written });
    if (text === undefined) return [];
    const shared = c.services.some((other) => placeOf(other.master, at(other)) === place && !users.some(({ id }) => id === other.id));
    if (!shared && written) return [{ pid: users[0]?.master ?? 0, at: written, remove: text, insert: become(text), why }];
    return users.flatMap((service) => beforePass(snapshot, service, become(text), why));
  });
}

/** A directive in the block of a service's proxy_pass: a line of its own, unless other words come before proxy_pass on its line. */
function beforePass(snapshot: Snapshot, { master: pid, at }: Service, text: string, why: string): Change[] {
  const line = lineAt(snapshot, pid, at);
  if (line === undefined) return [];
  const indent = line.slice(0, at.column - 1);
  if (/^\s*$/.test(indent)) return [{ pid, at, remove: null, insert: indent + text, why }];
  const pass = directiveText(snapshot, pid, { name: 'proxy_pass', at });
  return pass === undefined ? [] : [{ pid, at, remove: pass, insert: `${text} ${pass}`, why }];
}

/** From the bottom up, so that line numbers hold. A file that is included twice is changed once. */
function asCure(snapshot: Snapshot, changes: readonly Change[]): Cure[] {
  const distinct = [...groupBy(changes, ({ pid, at, insert }) => `${placeOf(pid, at)} ${insert}`).values()].flatMap(
    ([first]) => first ?? [],
  );
  const edits = distinct
    .sort((a, b) => b.at.line - a.at.line || b.at.column - a.at.column)
    .flatMap(({ pid, ...edit }) => editConfig(snapshot, pid, edit) ?? []);
  return edits.length > 0 ? [combine(snapshot.host, edits)] : [];
}

function placeOf(master: number, at: At | undefined): string {
  return `${master} ${at?.file}:${at?.line}:${at?.column}`;
}

/** Services of walks, each once. */
export function servicesOf(walks: readonly { service: Service }[]): Service[] {
  return [...new Map(walks.map(({ service }) => [service.id, service])).values()];
}
