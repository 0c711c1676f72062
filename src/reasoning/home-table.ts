import { freeTable } from '../cures/routing.js';
import { parsePrefix } from '../net/prefix.js';
import { factOf } from '../path/world.js';
import type { Family, Snapshot } from '../types.js';

/** The table that already holds a `local` default route for a family, else a free one. */
export function homeTable(snapshot: Snapshot, family: Family): string {
  const home = (factOf(snapshot, 'routes') ?? []).find(
    (route) => route.family === family && route.type === 'local' && route.table !== 'local' && parsePrefix(route.to)?.length === 0,
  );
  return home?.table ?? freeTable(snapshot);
}
