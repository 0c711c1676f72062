import { factOf } from '../path/world.js';
import type { Cure, Snapshot, TcFilter } from '../types.js';
import { addedFilter } from './keep-commands.js';
import { persistOf, persistRemoval } from './persistence.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/**
 * Takes away a wrong filter: together with all others of its priority where those are wrong, too, else by its handle alone. Undefined where one
 * of those that would go does something other than translate addresses.
 */
export function removeFilter(snapshot: Snapshot, filter: TcFilter, wrong: readonly TcFilter[], why: string): Cure | undefined {
  const { link, parent, protocol, priority, kind, handle } = filter;
  const beside = (other: TcFilter) => other.link === link && other.parent === parent && other.priority === priority;
  const all = factOf(snapshot, 'trafficControl')?.filters.filter(beside) ?? [];
  const alone = handle !== undefined && all.some((other) => !wrong.some((each) => beside(each) && each.handle === other.handle));
  const gone = alone ? all.filter((other) => other.handle === handle) : all;
  if (gone.some(({ actions }) => actions.length === 0 || actions.some((action) => action.kind !== 'nat'))) return undefined;
  const added = gone.map(addedFilter);
  const undo = added.every((words) => words !== undefined) ? { undo: added.map((words) => commandLine(...words)).join(' && ') } : {};
  const hook = /^(ingress|egress)$/.test(parent) ? [parent] : ['parent', parent];
  const one = alone ? ['handle', handle, kind] : [];
  return {
    host: snapshot.host,
    steps: [
      {
        host: snapshot.host,
        kind: 'command',
        run: commandLine('tc', 'filter', 'del', 'dev', link, ...hook, 'protocol', protocol, 'prio', priority, ...one),
        ...undo,
        persist: persistRemoval['traffic-control'],
        why,
      },
    ],
    apply: (before) =>
      withFact(before, 'trafficControl', (control) => ({
        ...control,
        filters: control.filters.filter((other) => !beside(other) || (alone && other.handle !== handle)),
      })),
  };
}

/** What a filter for an address and port rewrites, for all datagrams of that address: later fragments carry the protocol but no port. */
export function rewriteWholeDatagrams(snapshot: Snapshot, filters: readonly TcFilter[], why: string): Cure | undefined {
  const [first] = filters;
  const all = factOf(snapshot, 'trafficControl')?.filters ?? [];
  const priority = (first?.priority ?? 0) - 1;
  const taken = all.some((filter) => filter.link === first?.link && filter.parent === first.parent && filter.priority === priority);
  if (!first || priority < 1 || taken || !filters.every(({ link, parent }) => link === first.link && parent === first.parent))
    return undefined;
  const hook = /^(ingress|egress)$/.test(first.parent) ? [first.parent] : ['parent', first.parent];
  const place = ['dev', first.link, ...hook, 'protocol', 'ip', 'prio', priority];
  const added = filters.flatMap((filter): TcFilter[] => {
    const nat = filter.actions.find((action) => action.kind === 'nat');
    const source = filter.match?.source;
    if (!nat || source === undefined) return [];
    const words = [
      'u32',
      'match',
      'ip',
      'src',
      source,
      'match',
      'ip',
      'protocol',
      '17',
      '0xff',
      'action',
      'nat',
      nat.direction,
      nat.old.replace(/\/32$/, ''),
      nat.new,
    ];
    const { handle: _, ...like } = filter;
    return [{ ...like, priority, match: { source, ipProtocol: 17 }, text: words.join(' ') }];
  });
  if (added.length < filters.length) return undefined;
  const run = added.map(({ text }) => commandLine('tc', 'filter', 'add', ...place, ...text.split(' '))).join(' && ');
  return {
    host: snapshot.host,
    steps: [
      {
        host: snapshot.host,
        kind: 'command',
        run,
        undo: commandLine('tc', 'filter', 'del', ...place),
        persist: persistOf('traffic-control', snapshot, run),
        why,
      },
    ],
    apply: (before) => withFact(before, 'trafficControl', (control) => ({ ...control, filters: [...added, ...control.filters] })),
  };
}
