import { factOf } from '../path/world.js';
import type { Cure, Snapshot, TcFilter } from '../types.js';
import { persistRemoval } from './persistence.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/**
 * Takes away a filter together with all others of its priority: without a handle tc(8) cannot name one alone. Undefined where one of those
 * does something other than translate addresses.
 */
export function removeFilters(snapshot: Snapshot, { link, parent, protocol, priority }: TcFilter, why: string): Cure | undefined {
  const same = (filter: TcFilter) => filter.link === link && filter.parent === parent && filter.priority === priority;
  const all = factOf(snapshot, 'trafficControl')?.filters.filter(same) ?? [];
  if (all.some(({ actions }) => actions.length === 0 || actions.some(({ kind }) => kind !== 'nat'))) return undefined;
  const hook = /^(ingress|egress)$/.test(parent) ? [parent] : ['parent', parent];
  return {
    host: snapshot.host,
    steps: [
      {
        host: snapshot.host,
        kind: 'command',
        run: commandLine('tc', 'filter', 'del', 'dev', link, ...hook, 'protocol', protocol, 'prio', priority),
        persist: persistRemoval['traffic-control'],
        why,
      },
    ],
    apply: (before) =>
      withFact(before, 'trafficControl', (control) => ({ ...control, filters: control.filters.filter((filter) => !same(filter)) })),
  };
}
