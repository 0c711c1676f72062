import { contains, parsePrefix } from '../net/prefix.js';
import type { Facts, Family, NextHop, PolicyRule, Route } from '../types.js';

/** What the kernel calls a flow key (struct flowi4). */
export interface FlowKey {
  family: Family;
  to: string;
  from?: string;
  /** `lo` for a packet made on this host. */
  iif: string;
  oif?: string;
  mark: number;
  ipProtocol?: number;
  sourcePort?: number;
  destinationPort?: number;
}

export type FibResult =
  | { found: 'route'; rule: PolicyRule; route: Route; hop: NextHop }
  | { found: 'nothing' }
  /** blackhole, prohibit, unreachable; as a route or as a rule. */
  | { found: 'refusal'; rule: PolicyRule; route?: Route }
  /** A selector that this model does not evaluate stands in the way. */
  | { found: 'unknown'; rule: PolicyRule };

export type RoutingFacts = Pick<Facts, 'policyRules' | 'routes'>;

const refusing = new Set<Route['type']>(['blackhole', 'unreachable', 'prohibit']);

/** Looks a flow up in the policy rules and their tables: fib_rules_lookup() and fib_table_lookup(). */
export function lookup(facts: RoutingFacts, key: FlowKey): FibResult {
  const rules = facts.policyRules.filter((rule) => rule.family === key.family).sort((a, b) => a.priority - b.priority);
  let skipUntil = -1;
  for (const rule of rules) {
    if (rule.priority < skipUntil || !selects(rule, key)) continue;
    if (rule.action === 'goto') {
      skipUntil = rule.goto ?? -1;
      continue;
    }
    const result = follow(facts, rule, key);
    if (result) return rule.other === undefined ? result : { found: 'unknown', rule };
  }
  return { found: 'nothing' };
}

/** What one rule yields, or undefined when the look-up goes on with the next. */
function follow(facts: RoutingFacts, rule: PolicyRule, key: FlowKey): FibResult | undefined {
  if (rule.action === 'nop') return undefined;
  if (rule.action === 'other') return { found: 'unknown', rule };
  if (rule.action !== 'table') return { found: 'refusal', rule };
  const route = longestMatch(facts.routes, rule.table ?? 'main', key);
  if (!route || route.type === 'throw') return undefined;
  if (rule.suppressPrefixLength !== undefined && (parsePrefix(route.to)?.length ?? 0) <= rule.suppressPrefixLength) return undefined;
  if (refusing.has(route.type)) return { found: 'refusal', rule, route };
  const hop = usableHops(route, key)[0] ?? {};
  return { found: 'route', rule, route, hop };
}

/** The most specific route of a table that a flow can use; of equals the one with the smallest metric. */
export function longestMatch(routes: readonly Route[], table: string, key: Pick<FlowKey, 'family' | 'to' | 'oif'>): Route | undefined {
  let best: Route | undefined;
  let bestLength = -1;
  for (const route of routes) {
    if (route.family !== key.family || route.table !== table || !contains(route.to, key.to)) continue;
    const length = parsePrefix(route.to)?.length ?? 0;
    if (length < bestLength || (length === bestLength && best && route.metric >= best.metric)) continue;
    if (usableHops(route, key).length === 0 && !hopless(route)) continue;
    best = route;
    bestLength = length;
  }
  return best;
}

function hopless(route: Route): boolean {
  return refusing.has(route.type) || route.type === 'throw';
}

function usableHops(route: Route, key: Pick<FlowKey, 'oif'>): readonly NextHop[] {
  return route.nextHops.filter((hop) => !hop.dead && (key.oif === undefined || hop.link === key.oif));
}

/** Whether a rule's selectors fit a flow: fib4_rule_match() and fib_rule_match(). */
export function selects(rule: PolicyRule, key: FlowKey): boolean {
  return matches(rule, key) !== (rule.not ?? false);
}

function matches(rule: PolicyRule, key: FlowKey): boolean {
  if (rule.iif !== undefined && rule.iif !== key.iif) return false;
  if (rule.oif !== undefined && rule.oif !== key.oif) return false;
  if (rule.mark !== undefined && !markMatches(rule, key.mark)) return false;
  if (rule.from !== undefined && !(key.from !== undefined && contains(rule.from, key.from))) return false;
  if (rule.to !== undefined && !contains(rule.to, key.to)) return false;
  if (rule.ipProtocol !== undefined && rule.ipProtocol !== key.ipProtocol) return false;
  return portFits(rule.sourcePort, key.sourcePort) && portFits(rule.destinationPort, key.destinationPort);
}

/** ((rule ^ packet) & mask) == 0, as in fib_rule_match(). */
export function markMatches(rule: Pick<PolicyRule, 'mark' | 'mask'>, mark: number): boolean {
  return (((rule.mark ?? 0) ^ mark) & (rule.mask ?? 0xffffffff)) === 0;
}

function portFits(range: readonly [number, number] | undefined, port: number | undefined): boolean {
  return range === undefined || (port !== undefined && port >= range[0] && port <= range[1]);
}
