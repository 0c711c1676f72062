import { combine } from '../cures/combine.js';
import { directiveText, editConfig } from '../cures/nginx.js';
import type { Case, Cure } from '../types.js';
import { type Broken, groupBy } from './broken.js';

/** Edits the `server` line of each broken path's upstream, once; `change` gives the words to replace and their replacement. Undefined unless every line can be edited. */
export function changeServers(
  c: Case,
  broken: readonly Broken[],
  change: (item: Broken) => readonly [string, string] | undefined,
  why: string,
): Cure | undefined {
  const first = broken[0]?.walk.service;
  const snapshot = first && c.snapshots.get(first.host);
  if (!snapshot || !first) return undefined;
  const lines = groupBy(broken, ({ walk: { upstream } }) => `${upstream.at.file}:${upstream.at.line}:${upstream.at.column}`);
  const edits = [...lines.values()].flatMap(([item]) => {
    if (item?.walk.upstream.address === undefined) return [];
    const { service, upstream } = item.walk;
    const text = directiveText(snapshot, service.master, { name: 'server', at: upstream.at });
    const [from, to] = change(item) ?? [];
    if (text === undefined || from === undefined || to === undefined || !text.includes(from)) return [];
    return editConfig(snapshot, service.master, { at: upstream.at, remove: text, insert: text.replace(from, () => to), why }) ?? [];
  });
  return edits.length === lines.size ? combine(snapshot.host, edits) : undefined;
}
