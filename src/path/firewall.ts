import type { FirewallChain, FirewallRule, FirewallTable, Hook, Packet, Provenance } from '../types.js';
import { type FirewallContext, keyOf, type Nat, type State, type Touched, type Tproxy } from './firewall/state.js';
import { doubt, type Ending, walkChain } from './firewall/walk-chain.js';

export { combineTables } from './firewall/combine-tables.js';
export type { FirewallContext, Touched } from './firewall/state.js';

/** How a packet may leave a hook. */
export interface FirewallOutcome {
  verdict: 'accept' | 'drop' | 'reject';
  /** With its mark, rewrites and translations. */
  packet: Packet;
  tracked: boolean;
  /** Connection mark afterwards, for the context of the next hook; undefined when not known. */
  connectionMark?: number;
  nat?: Nat;
  tproxy?: Tproxy;
  /** What dropped or rejected it; without a rule it was the chain's policy. */
  by?: Touched;
  /** Rules that changed something, in order. */
  touched: readonly (Touched & { rule: FirewallRule })[];
  /** A rule that could not be told, so that this outcome is one of several. */
  unknownBecause?: FirewallRule;
}

/** Steps of rules for one evaluation: thousands of rules pass, jumps nested to explode do not. */
const stepBudget = 100_000;

interface Placed {
  table: FirewallTable;
  chain: FirewallChain;
  priority: number;
  /** The chain's own priority, which orders nat chains among themselves. */
  own: number;
  /** Versions of nft before 1.1 leave a netdev chain's devices out of their JSON. */
  devicesUnknown: boolean;
}

/**
 * Takes a packet through every base chain of a hook, in the kernel's order. One outcome without `unknownBecause` is certain.
 * An accept ends only its own base chain; a drop is final (nf_hook_slow).
 */
export function evaluate(tables: readonly FirewallTable[], hook: Hook, packet: Packet, context: FirewallContext): FirewallOutcome[] {
  const budget = { steps: stepBudget };
  const connectionMark = context.connectionMark ?? (mayBeMarked(tables, hook, context) ? undefined : 0);
  const withTables: FirewallContext = { mayTranslate: findTranslations(tables), ...context };
  const start: State = { packet, tracked: context.state !== 'untracked', connectionMark, touched: [] };
  const orders = possibleOrders(chainsAt(tables, hook, packet, context));
  return conclude(orders.flatMap((order) => passChains(order, hook, start, withTables, budget)));
}

/** Whether a rule can have marked the connection before the packet came to this hook. */
function mayBeMarked(tables: readonly FirewallTable[], hook: Hook, context: FirewallContext): boolean {
  if (context.firstOfConnection && (hook === 'prerouting' || hook === 'output')) return false;
  return tables.some((table) => table.chains.some((chain) => chain.rules.some((rule) => rule.steps.some(marksConnection))));
}

const translators: Readonly<Record<'snat' | 'dnat', readonly string[]>> = {
  snat: ['snat', 'masquerade', 'unknown'],
  dnat: ['dnat', 'redirect', 'unknown'],
};

/** Only a table with a chain of type nat has targets that translate. Looked for once for each end, when a rule asks. */
function findTranslations(tables: readonly FirewallTable[]): (end: 'snat' | 'dnat') => boolean {
  const known = new Map<'snat' | 'dnat', boolean>();
  return (end) => {
    const found = known.get(end) ?? tables.some((table) => translates(table, translators[end]));
    known.set(end, found);
    return found;
  };
}

function translates({ chains }: FirewallTable, targets: readonly string[]): boolean {
  if (!chains.some(({ base }) => base?.type === 'nat')) return false;
  return chains.some(({ rules }) => rules.some(({ steps }) => steps.some((step) => 'do' in step && targets.includes(step.do))));
}

function marksConnection(step: FirewallRule['steps'][number]): boolean {
  return 'do' in step && (step.do === 'save-mark' || step.do === 'connection-mark');
}

function passChains(order: readonly Placed[], hook: Hook, start: State, context: FirewallContext, budget: { steps: number }): Ending[] {
  let live: State[] = [start];
  const finished: Ending[] = [];
  for (const { table, chain, priority, devicesUnknown } of order) {
    const chains = new Map(table.chains.map((entry) => [entry.name, entry]));
    const entering = chain.base?.type === 'nat' ? live.filter((state) => isTranslated(state, context)) : live;
    const [anyRule] = chain.rules;
    const passing =
      devicesUnknown && anyRule ? live.map((state) => doubt(state, anyRule)) : live.filter((state) => !entering.includes(state));
    for (const ending of walkChain({ table, chains, context, hook, priority, budget }, chain, entering)) {
      const ended = withPolicy(ending, table, chain);
      if (ended.verdict === 'accept') passing.push(ended.state);
      else finished.push(ended);
    }
    live = distinct(passing);
  }
  return [...live.map((state): Ending => ({ verdict: 'accept', state })), ...finished];
}

/** nat chains are asked once, for a tracked connection's first packet (nf_nat_inet_fn). */
function isTranslated(state: State, context: FirewallContext): boolean {
  return context.firstOfConnection && state.tracked && context.state !== 'invalid' && state.nat === undefined;
}

function withPolicy(ending: Ending, table: FirewallTable, chain: FirewallChain): Ending {
  if (ending.verdict !== 'return') return ending;
  return chain.policy === 'drop' ? { ...ending, verdict: 'drop', by: { table, chain } } : { ...ending, verdict: 'accept' };
}

function chainsAt(tables: readonly FirewallTable[], hook: Hook, packet: Packet, context: FirewallContext): Placed[] {
  return tables.flatMap((table) =>
    table.chains
      .filter((chain) => chain.base?.hook === hook && sees(table, chain, hook, packet, context))
      .map((chain) => ({
        table,
        chain,
        priority: effectivePriority(chain, hook),
        own: chain.base?.priority ?? 0,
        devicesUnknown: table.family === 'netdev' && chain.base?.devices === undefined,
      })),
  );
}

/**
 * Of equal priority, the chain registered last runs first (nf_hook_entries_grow). Within nf_tables the listing shows the order of creation.
 * Between the legacy back end and nf_tables nothing shows it, so both orders are tried where they meet.
 */
function possibleOrders(placed: readonly Placed[]): Placed[][] {
  const [legacy, others] = [placed.filter(isLegacy), placed.filter((entry) => !isLegacy(entry))];
  const latestFirst = (entries: readonly Placed[]) => [...entries].reverse().sort((a, b) => a.priority - b.priority || a.own - b.own);
  const meet = legacy.some(
    (a) => a.chain.rules.length > 0 && others.some((b) => b.chain.rules.length > 0 && a.priority === b.priority && a.own === b.own),
  );
  const legacyFirst = latestFirst([...others, ...legacy]);
  return meet ? [legacyFirst, latestFirst([...legacy, ...others])] : [legacyFirst];
}

function isLegacy({ table }: Placed): boolean {
  return table.source === 'iptables-legacy';
}

/** All nat chains of a hook hang on one dispatcher with a fixed priority (nf_nat_register_fn); their own orders them among themselves. */
function effectivePriority(chain: FirewallChain, hook: Hook): number {
  if (chain.base?.type !== 'nat') return chain.base?.priority ?? 0;
  return hook === 'postrouting' || hook === 'input' ? 100 : -100;
}

function sees(table: FirewallTable, chain: FirewallChain, hook: Hook, packet: Packet, context: FirewallContext): boolean {
  if (hook === 'ingress' || hook === 'egress') {
    const link = hook === 'ingress' ? context.in : context.out;
    if (table.family !== 'netdev' && table.family !== 'inet') return false;
    return link === undefined || chain.base?.devices === undefined || chain.base.devices.includes(link);
  }
  return table.family === 'inet' || table.family === (packet.family === 4 ? 'ip' : 'ip6');
}

function distinct(states: readonly State[]): State[] {
  return [...new Map(states.map((state) => [keyOf(state), state])).values()];
}

/** Endings that nobody could tell apart are one outcome; where only one is left, the doubt on the way did not matter. */
function conclude(endings: readonly Ending[]): FirewallOutcome[] {
  const byKey = new Map<string, Ending>();
  for (const ending of endings) {
    const key = `${ending.verdict} ${ending.verdict === 'accept' ? keyOf(ending.state) : ''}`;
    if (!byKey.has(key)) byKey.set(key, ending);
  }
  const kept = [...byKey.values()];
  const settled = kept.length === 1 && !kept.some(({ state }) => state.truncated);
  return kept.map(({ verdict, state, by }) => {
    const { packet, tracked, connectionMark, nat, tproxy, touched, unknownBecause } = state;
    return {
      verdict: verdict === 'return' ? 'accept' : verdict,
      packet,
      tracked,
      touched,
      ...(connectionMark === undefined ? {} : { connectionMark }),
      ...(nat ? { nat } : {}),
      ...(tproxy ? { tproxy } : {}),
      ...(by ? { by } : {}),
      ...(settled
        ? {}
        : because(unknownBecause ?? kept.flatMap((entry) => entry.state.unknownBecause ?? entry.state.touched.at(-1)?.rule ?? [])[0])),
    };
  });
}

function because(rule: FirewallRule | undefined): { unknownBecause?: FirewallRule } {
  return rule ? { unknownBecause: rule } : {};
}

/** A rule for the reader, and the command that shows it. Without a rule: the chain's policy. */
export function describeRule(table: FirewallTable, chain: FirewallChain, rule?: FirewallRule): Provenance {
  const what = rule ? rule.text : `policy ${chain.policy ?? 'accept'}`;
  if (table.source === 'nft') return { what, source: `nft list chain ${table.family} ${table.name} ${chain.name}` };
  const command = `${table.family === 'ip6' ? 'ip6tables' : 'iptables'}${table.source === 'iptables-legacy' ? '-legacy' : ''}-save`;
  return { what, source: `${command} -t ${table.name}, chain ${chain.name}` };
}
