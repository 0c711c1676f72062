import { inTurn } from '../cures/combine.js';
import type { ChainPlace } from '../cures/firewall-rules.js';
import { removeRule } from '../cures/remove-rule.js';
import { removeFilter } from '../cures/traffic-control.js';
import { contains } from '../net/prefix.js';
import { describeRule, evaluate } from '../path/firewall.js';
import { firewallOf } from '../path/hooks.js';
import { turns } from '../path/tc-actions.js';
import { factOf } from '../path/world.js';
import type { Cure, Evidence, FirewallChain, FirewallMatch, FirewallRule, Packet, Snapshot, Step, TcFilter, Walk } from '../types.js';

/** Something on a host that gives packets another source address, without state or with it. */
export type Rewrite = (ChainPlace & { by: 'rule'; rule: FirewallRule; action: 'rewrite' | 'nat' }) | { by: 'filter'; filter: TcFilter };

/** What of a rewrite does not fit a packet. */
export type Misfit = 'address' | 'port' | 'interface' | 'other';

/** Every rewrite of source addresses on a host. */
export function rewritesOn(snapshot: Snapshot | undefined): Rewrite[] {
  const firewall = firewallOf(snapshot);
  const tables = 'missing' in firewall ? [] : firewall.tables;
  const rules = tables.flatMap((table) =>
    table.chains.flatMap((chain) =>
      chain.rules.flatMap((rule): Rewrite[] => {
        const action = actionOf(rule);
        return action ? [{ by: 'rule', table, chain, rule, action }] : [];
      }),
    ),
  );
  const filters = (factOf(snapshot, 'trafficControl')?.filters ?? []).filter((filter) => filter.actions.some(({ kind }) => kind === 'nat'));
  return [...rules, ...filters.map((filter): Rewrite => ({ by: 'filter', filter }))];
}

function actionOf({ steps }: FirewallRule): 'rewrite' | 'nat' | undefined {
  for (const step of steps) {
    if (!('do' in step)) continue;
    if (step.do === 'rewrite' && step.field === 'source-address') return 'rewrite';
    if (step.do === 'snat' || step.do === 'masquerade') return 'nat';
  }
  return undefined;
}

/** A reply as it passes a host. */
export interface Passing {
  packet: Packet;
  in: string | undefined;
  out: string | undefined;
}

/** The reply of a walk where it leaves a host, still under the upstream's own address. */
export function passingOf(walk: Walk, host: string): Passing | undefined {
  const steps = walk.steps.filter((step) => step.leg === 'reply' && step.host === host);
  const leaving: Step | undefined = steps.findLast((step) => step.out !== undefined);
  if (!leaving || walk.upstream.address === undefined) return undefined;
  const packet = { ...leaving.packet, source: walk.upstream.address, sourcePort: walk.upstream.port, mark: 0 };
  return { packet, in: leaving.in, out: leaving.out };
}

/** What keeps a rewrite from a reply; empty where it takes it. */
export function misfits(rewrite: Rewrite, passing: Passing): Misfit[] {
  return rewrite.by === 'filter' ? filterMisfits(rewrite.filter, passing) : ruleMisfits(rewrite, passing);
}

function filterMisfits({ link, parent, protocol, match, actions }: TcFilter, { packet, out }: Passing): Misfit[] {
  if (!match || (protocol !== 'ip' && protocol !== 'all')) return ['other'];
  const nat = actions.find((action) => action.kind === 'nat');
  const leaves = nat?.direction === 'egress' && parent !== 'ingress' && parent !== 'ffff:';
  const port = (wanted: { value: number; mask: number } | undefined, has: number | undefined) =>
    wanted === undefined || (has !== undefined && (has & wanted.mask) === wanted.value);
  return [
    ...(link === out && leaves ? [] : ['interface' as const]),
    ...((match.source === undefined || contains(match.source, packet.source)) && (!leaves || turns(nat, match, packet))
      ? []
      : ['address' as const]),
    ...(match.destination === undefined || contains(match.destination, packet.destination) ? [] : ['other' as const]),
    ...(port(match.sourcePort, packet.sourcePort) &&
    port(match.destinationPort, packet.destinationPort) &&
    (match.ipProtocol === undefined || match.ipProtocol === packet.protocol)
      ? []
      : ['port' as const]),
  ];
}

const kinds: Partial<Record<FirewallMatch['match'], Misfit>> = {
  address: 'address',
  port: 'port',
  protocol: 'port',
  interface: 'interface',
};

function ruleMisfits({ table, chain, rule }: ChainPlace & { rule: FirewallRule }, passing: Passing): Misfit[] {
  const failing = rule.steps.filter((step): step is FirewallMatch => 'match' in step && !holds({ table, chain }, step, passing));
  const misplaced = chain.base !== undefined && chain.base.hook !== 'postrouting' && chain.base.hook !== 'egress';
  return [...new Set([...(misplaced ? ['interface' as const] : []), ...failing.map(({ match }) => kinds[match] ?? 'other')])];
}

/** Asks the evaluator about one match alone, by a chain that drops what it matches. */
function holds({ table }: ChainPlace, match: FirewallMatch, { packet, in: link, out }: Passing): boolean {
  const chain: FirewallChain = {
    name: 'probe',
    base: { hook: 'postrouting', priority: 0, type: 'filter' },
    policy: 'accept',
    rules: [{ text: '', steps: [match, { do: 'drop' }] }],
  };
  const outcomes = evaluate([{ ...table, chains: [chain] }], 'postrouting', packet, {
    ...(link === undefined ? {} : { in: link }),
    ...(out === undefined ? {} : { out }),
    state: 'established',
    socket: 'none',
    firstOfConnection: false,
    addressType: () => undefined,
  });
  return outcomes.some((outcome) => outcome.verdict === 'drop');
}

/** A rewrite for the reader. */
export function rewriteEvidence(host: string, rewrite: Rewrite): Evidence {
  if (rewrite.by === 'filter') return { host, what: rewrite.filter.text, source: `tc filter show dev ${rewrite.filter.link}` };
  return { host, ...describeRule(rewrite.table, rewrite.chain, rewrite.rule) };
}

/** Takes rewrites away, but for those of which that cannot be said in one command that leaves all others alone. */
export function removeRewrites(snapshot: Snapshot, rewrites: readonly Rewrite[], why: string): Cure | undefined {
  const filters = rewrites.flatMap((rewrite) => (rewrite.by === 'filter' ? [rewrite.filter] : []));
  const remove = (now: Snapshot, rewrite: Rewrite) =>
    rewrite.by === 'filter' ? removeFilter(now, rewrite.filter, filters, why) : removeRule(now, rewrite, why);
  // Filters of one priority go together, and a rule for several upstreams is found once for each.
  const once = new Map(
    rewrites.flatMap((rewrite) => remove(snapshot, rewrite)?.steps.map((step) => [JSON.stringify(step), rewrite] as const) ?? []),
  );
  return inTurn(
    snapshot,
    [...once.values()].map((rewrite) => (now) => remove(now, rewrite)),
  );
}
