import type { Admission } from '../cures/admission.js';
import { combine } from '../cures/combine.js';
import { isOfFirewalld, isOfUfw } from '../cures/firewall-manager.js';
import { admitFirst, type ChainPlace } from '../cures/firewall-rules.js';
import { openZone } from '../cures/firewalld.js';
import { allowByUfw } from '../cures/ufw.js';
import { firewallOf } from '../path/hooks.js';
import type { Case, Cure, Family, Hook, Snapshot, Step } from '../types.js';
import { type Broken, distinct, groupBy } from './broken.js';

/** Base chains of a hook that a family's packets pass. */
export function baseChains(snapshot: Snapshot | undefined, hook: Hook | string, family: Family): ChainPlace[] {
  const firewall = firewallOf(snapshot);
  if ('missing' in firewall) return [];
  return firewall.tables
    .filter((table) => table.family === 'netdev' || table.family === 'inet' || table.family === (family === 4 ? 'ip' : 'ip6'))
    .flatMap((table) => table.chains.filter((chain) => chain.base?.hook === hook).map((chain) => ({ table, chain })));
}

/** The base chains in which a step's rule decided, itself or by a jump; where a policy decided, those that drop by policy. */
export function decidingChains(snapshot: Snapshot | undefined, step: Step): ChainPlace[] {
  const here = baseChains(snapshot, step.place, step.packet.family);
  const { rule } = step;
  if (!rule) return here.filter(({ chain }) => chain.policy === 'drop');
  return here.filter(({ table }) => table.chains.some((chain) => chain.rules.includes(rule)));
}

/**
 * Ways to let dropped packets pass: in one chain that drops them or in all, by what the host's firewall is managed with if that has words for
 * it, else by a rule before all others. `admission` says what the packets of a broken path look like; those that look alike share a rule.
 */
export function admitting(c: Case, host: string, broken: readonly Broken[], admission: (item: Broken) => Admission, why: string): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const groups = groupBy(broken, (item) => JSON.stringify({ ...admission(item), sources: [], destinations: [] }));
  const waysByPlace = [...groups.values()].flatMap((group) => {
    const all = merged(group.map(admission));
    return group.flatMap(({ step }) => decidingChains(snapshot, step).map((place) => waysToAdmit(snapshot, place, step, all, why)));
  });
  const depth = Math.max(0, ...waysByPlace.map((ways) => ways.length));
  return Array.from({ length: depth }, (_, at) =>
    atOneOrAll(
      host,
      waysByPlace.flatMap((ways) => ways[at] ?? ways.at(-1) ?? []),
    ),
  ).flat();
}

function waysToAdmit(snapshot: Snapshot, place: ChainPlace, { rule }: Step, admission: Admission, why: string): Cure[] {
  const { table } = place;
  const opened = rule && isOfFirewalld(snapshot, table) ? openZone(snapshot, place, rule, admission, why) : [];
  const allowed = isOfUfw(table) ? allowByUfw(snapshot, place, admission, why) : [];
  return [...opened, ...allowed, admitFirst(snapshot, place, admission, why)];
}

function atOneOrAll(host: string, cures: readonly Cure[]): Cure[] {
  const each = [...new Map(cures.map((cure) => [JSON.stringify(cure.steps), cure])).values()];
  return each.length > 1 ? [...each, combine(host, each)] : each;
}

function merged(alike: readonly Admission[]): Admission {
  const [first] = alike;
  const union = (name: 'sources' | 'destinations') => {
    const all = distinct(alike.flatMap((one) => one[name] ?? []));
    return all.length > 0 ? { [name]: all } : {};
  };
  return { family: 4, ...first, ...union('sources'), ...union('destinations') };
}
