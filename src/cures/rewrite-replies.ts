import { compareAddresses, familyOf } from '../net/address.js';
import { factOf } from '../path/world.js';
import type { Cure, Family, FirewallChain, FirewallRule, FirewallTable, Snapshot, TcFilter } from '../types.js';
import { addedFilter } from './keep-commands.js';
import { addNftRules, type NftChain } from './nft.js';
import { persistOf } from './persistence.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** The stateless rewrite that DSR replies need on one host. */
export interface Rewrite {
  sources: readonly string[];
  port: number;
  /** The address that the client asked. */
  vip: string;
  /** Replies pass through, or are made on this host. */
  where: 'forwarded' | 'originated';
  /** The link on which they leave. */
  link: string | undefined;
}

const why = 'the client must see its answer come from the address it asked';

/** Rewrites replies in the way the host already does it: by tc where it uses `tc … action nat`, else by nft, in its own chain if it has one. */
export function rewriteReplies(snapshot: Snapshot, rewrite: Rewrite): Cure[] {
  const example = factOf(snapshot, 'trafficControl')?.filters.find(
    (filter) =>
      filter.link === rewrite.link && !/^(?:ingress|ffff:)$/.test(filter.parent) && filter.actions.some((action) => action.kind === 'nat'),
  );
  if (example) return [likeFilter(snapshot, example, rewrite)];
  const family = familyOf(rewrite.vip) ?? 4;
  const table = (factOf(snapshot, 'nft') ?? []).find(
    (candidate) => candidate.source === 'nft' && fits(candidate, family) && rewritingChain(candidate),
  );
  return [table ? intoTable(snapshot, table, rewrite, family) : newTable(snapshot, rewrite, family)];
}

function fits(table: FirewallTable, family: Family): boolean {
  return table.family === (family === 4 ? 'ip' : 'ip6');
}

function rewritingChain(table: FirewallTable): FirewallChain | undefined {
  return table.chains.find(
    (chain) =>
      chain.base &&
      chain.rules.some((rule) => rule.steps.some((step) => 'do' in step && step.do === 'rewrite' && step.field === 'source-address')),
  );
}

function untrackingChain(table: FirewallTable): FirewallChain | undefined {
  return table.chains.find(
    (chain) =>
      chain.base?.hook === 'prerouting' && chain.rules.some((rule) => rule.steps.some((step) => 'do' in step && step.do === 'notrack')),
  );
}

function selector(family: Family, { sources, port }: Rewrite): Pick<FirewallRule, 'text' | 'steps'> {
  const sorted = [...sources].sort(compareAddresses);
  const among = sorted.length > 1 ? `{ ${sorted.join(', ')} }` : (sorted[0] ?? '');
  return {
    text: `${family === 4 ? 'ip' : 'ip6'} saddr ${among} udp sport ${port}`,
    steps: [
      { match: 'address', side: 'source', not: false, among: sorted.map((source) => [source, source] as const) },
      { match: 'port', side: 'source', not: false, among: [[port, port]], ipProtocols: [17] },
    ],
  };
}

/** Connection tracking would hold the reply to the flow that nginx opened; untracked it passes as it is. */
function untrack(family: Family, rewrite: Rewrite): FirewallRule {
  const { text, steps } = selector(family, rewrite);
  return { text: `${text} notrack`, steps: [...steps, { do: 'notrack' }] };
}

function setSource(family: Family, rewrite: Rewrite): FirewallRule {
  const { text, steps } = selector(family, rewrite);
  const field = `${family === 4 ? 'ip' : 'ip6'} saddr set ${rewrite.vip}`;
  return { text: `${text} ${field}`, steps: [...steps, { do: 'rewrite', field: 'source-address', to: rewrite.vip }] };
}

function intoTable(snapshot: Snapshot, table: FirewallTable, rewrite: Rewrite, family: Family): Cure {
  const [rewriting, untracking] = [rewritingChain(table), untrackingChain(table)];
  const chains: NftChain[] = [
    ...(untracking && rewrite.where === 'forwarded' ? [{ name: untracking.name, present: true, rules: [untrack(family, rewrite)] }] : []),
    ...(rewriting ? [{ name: rewriting.name, present: true, rules: [setSource(family, rewrite)] }] : []),
  ];
  return addNftRules(snapshot, { family: family === 4 ? 'ip' : 'ip6', table: table.name, present: true, chains, why });
}

function newTable(snapshot: Snapshot, rewrite: Rewrite, family: Family): Cure {
  const chains: NftChain[] = [
    ...(rewrite.where === 'forwarded'
      ? [
          {
            name: `untrack_${rewrite.port}`,
            base: { hook: 'prerouting' as const, priority: -300, type: 'filter' as const },
            rules: [untrack(family, rewrite)],
          },
        ]
      : []),
    { name: `rewrite_${rewrite.port}`, base: { hook: 'postrouting', priority: 300, type: 'filter' }, rules: [setSource(family, rewrite)] },
  ];
  return addNftRules(snapshot, { family: family === 4 ? 'ip' : 'ip6', table: 'dsr_replies', chains, why });
}

/** One filter for each upstream, of a priority of their own, so that undo takes these alone: a prefix would keep the host bits (net/sched/act_nat.c). */
function likeFilter(snapshot: Snapshot, example: TcFilter, { sources, port, vip }: Rewrite): Cure {
  const priority = freePriority(snapshot, example);
  const { handle: _, ...like } = example;
  const filters = sources.map((source): TcFilter => {
    const filter: TcFilter = {
      ...like,
      priority,
      match: { source, ipProtocol: 17, sourcePort: { value: port, mask: 0xffff } },
      actions: [{ kind: 'nat', direction: 'egress', old: source, new: vip }],
    };
    return { ...filter, text: (addedFilter(filter) ?? []).slice(3).join(' ') };
  });
  const hook = /^(?:ingress|egress)$/.test(example.parent) ? [example.parent] : ['parent', example.parent];
  const run = filters.map((filter) => commandLine(...(addedFilter(filter) ?? []))).join(' && ');
  const undo = commandLine('tc', 'filter', 'del', 'dev', example.link, ...hook, 'protocol', example.protocol, 'prio', priority);
  return {
    host: snapshot.host,
    steps: [{ host: snapshot.host, kind: 'command', run, undo, persist: persistOf('traffic-control', snapshot, run), why }],
    apply: (before) => withFact(before, 'trafficControl', (control) => ({ ...control, filters: [...control.filters, ...filters] })),
  };
}

/** The next behind the example's, so that no filter for other packets comes in between. */
function freePriority(snapshot: Snapshot, { link, parent, priority }: TcFilter): number {
  const beside = factOf(snapshot, 'trafficControl')?.filters.filter((filter) => filter.link === link && filter.parent === parent) ?? [];
  const taken = new Set(beside.map((filter) => filter.priority));
  let free = priority + 1;
  while (taken.has(free)) free += 1;
  return free;
}
