import { combine } from '../cures/combine.js';
import { directiveText, editConfig, type LineEdit } from '../cures/nginx.js';
import type { At, Case, Cure, Service } from '../types.js';
import { groupBy } from './broken.js';

export interface DirectiveChange {
  name: string;
  /** Where the value that holds for a service is written. */
  at(service: Service): At | undefined;
  /** The directive as it must be, from the directive as it is written. */
  become(text: string): string;
  why: string;
}

type Change = Omit<LineEdit, 'why'> & { pid: number };

/**
 * Changes a directive for some services of one host. A line that other services inherit as well stays as it is: each of these
 * services then gets a line of its own before its proxy_pass. From the bottom up, so that line numbers hold.
 */
export function rewriteDirective(c: Case, services: readonly Service[], { name, at, become, why }: DirectiveChange): Cure[] {
  const snapshot = c.snapshots.get(services[0]?.host ?? '');
  if (!snapshot) return [];
  const lines = groupBy(services, (service) => placeOf(service.master, at(service)));
  const changes = [...lines].flatMap(([place, users]): Change[] => {
    const written = users[0] && at(users[0]);
    const text = written && directiveText(snapshot, users[0]?.master ?? 0, { name, at: written });
    if (text === undefined) return [];
    const shared = c.services.some((other) => placeOf(other.master, at(other)) === place && !users.some(({ id }) => id === other.id));
    if (!shared && written) return [{ pid: users[0]?.master ?? 0, at: written, remove: text, insert: become(text) }];
    return users.map((service) => ({ pid: service.master, at: service.at, remove: null, insert: `        ${become(text)}` }));
  });
  const edits = changes
    .sort((a, b) => b.at.line - a.at.line || b.at.column - a.at.column)
    .flatMap(({ pid, ...edit }) => editConfig(snapshot, pid, { ...edit, why }) ?? []);
  return edits.length > 0 ? [combine(snapshot.host, edits)] : [];
}

function placeOf(master: number, at: At | undefined): string {
  return `${master} ${at?.file}:${at?.line}:${at?.column}`;
}

/** Services of walks, each once. */
export function servicesOf(walks: readonly { service: Service }[]): Service[] {
  return [...new Map(walks.map(({ service }) => [service.id, service])).values()];
}
