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
  /** Type of service; 0 when absent. */
  tos?: number;
}

export type FibResult =
  /** `hop` is the first of `hops`: of several the kernel takes one by a hash of the flow. */
  | { found: 'route'; rule: PolicyRule; route: Route; hop: NextHop; hops: readonly NextHop[] }
  | { found: 'nothing' }
  /** blackhole, prohibit, unreachable; as a route or as a rule. */
  | { found: 'refusal'; rule: PolicyRule; route?: Route }
  /** A selector that this model does not evaluate stands in the way. */
  | { found: 'unknown'; rule: PolicyRule };

export type RoutingFacts = Pick<Facts, 'policyRules' | 'routes'>;

const refusing = new Set<Route['type']>(['blackhole', 'unreachable', 'prohibit']);

/** Looks a flow up in the policy rules and their tables: fib_rules_lookup() and fib_table_lookup(). */
export function lookup(facts: RoutingFacts, key: FlowKey): FibResult {
  if (key.family === 4 && !hasCustomRules(facts.policyRules, 4)) return lookupWithoutRules(facts, key);
  const rules = rulesOf(facts.policyRules, key.family);
  let skipUntil = -1;
  for (const rule of rules) {
    if (rule.priority < skipUntil || !selects(rule, key)) continue;
    if (rule.action === 'goto') {
      skipUntil = gotoTarget(rules, rule);
      continue;
    }
    const result = follow(facts, rule, key);
    if (result) return rule.other === undefined ? result : { found: 'unknown', rule };
  }
  return { found: 'nothing' };
}

/** In the order of the kernel's list: rules of one priority as they were added, which is how they are printed. */
function rulesOf(rules: readonly PolicyRule[], family: Family): PolicyRule[] {
  return rules.filter((rule) => rule.family === family).sort((a, b) => a.priority - b.priority);
}

/** A goto whose target does not exist does nothing (`ctarget == NULL` in fib_rules_lookup()). */
function gotoTarget(rules: readonly PolicyRule[], { goto: target = -1 }: PolicyRule): number {
  return rules.some((rule) => rule.priority === target) ? target : -1;
}

/**
 * fib_lookup() while nobody has touched the IPv4 rules: `local` and `main` share one trie (fib_new_table(), until fib_unmerge()), so that a longer
 * prefix in `main` beats a local route.
 */
function lookupWithoutRules(facts: RoutingFacts, key: FlowKey): FibResult {
  const [local, main, last] = rulesOf(facts.policyRules, 4);
  if (!local || !main || !last) return { found: 'nothing' };
  const [inLocal, inMain] = [longestMatch(facts.routes, 'local', key), longestMatch(facts.routes, 'main', key)];
  const localWins = inLocal && (!inMain || lengthOf(inLocal) >= lengthOf(inMain));
  const first = localWins ? outcome(local, inLocal, key) : outcome(main, inMain, key);
  return first ?? outcome(last, longestMatch(facts.routes, 'default', key), key) ?? { found: 'nothing' };
}

/** Whether anything but the kernel's own rules is there. Rules that were there once, and are gone, cannot be seen but have the same effect. */
export function hasCustomRules(rules: readonly PolicyRule[], family: Family): boolean {
  const own = rulesOf(rules, family);
  return own.length !== kernelRules[family].length || own.some((rule, i) => !isKernelRule(rule, kernelRules[family][i]));
}

const kernelRules: Record<Family, readonly (readonly [priority: number, table: string])[]> = {
  4: [
    [0, 'local'],
    [32_766, 'main'],
    [32_767, 'default'],
  ],
  6: [
    [0, 'local'],
    [32_766, 'main'],
  ],
};

function isKernelRule(
  { family: _, priority, table, action, ...more }: PolicyRule,
  expected: readonly [number, string] | undefined,
): boolean {
  return action === 'table' && priority === expected?.[0] && table === expected[1] && Object.keys(more).length === 0;
}

/** What one rule yields, or undefined when the look-up goes on with the next. */
function follow(facts: RoutingFacts, rule: PolicyRule, key: FlowKey): FibResult | undefined {
  if (rule.action === 'nop') return undefined;
  if (rule.action === 'other') return { found: 'unknown', rule };
  if (rule.action !== 'table') return { found: 'refusal', rule };
  const result = outcome(rule, longestMatch(facts.routes, rule.table ?? 'main', key), key);
  // Only what was found is suppressed, never a refusal: fib_rules_lookup() asks ops->suppress() when there was no error.
  const suppressed =
    result?.found === 'route' && rule.suppressPrefixLength !== undefined && lengthOf(result.route) <= rule.suppressPrefixLength;
  return suppressed ? undefined : result;
}

function outcome(rule: PolicyRule, route: Route | undefined, key: FlowKey): FibResult | undefined {
  if (!route || route.type === 'throw') return undefined;
  if (refusing.has(route.type)) return { found: 'refusal', rule, route };
  const hops = usableHops(route, key);
  return { found: 'route', rule, route, hop: hops[0] ?? {}, hops };
}

function lengthOf(route: Route): number {
  return parsePrefix(route.to)?.length ?? 0;
}

/** The most specific route of a table that a flow can use; of equals the one with the smallest metric. */
export function longestMatch(
  routes: readonly Route[],
  table: string,
  key: Pick<FlowKey, 'family' | 'to' | 'from' | 'oif' | 'tos'>,
): Route | undefined {
  let best: Route | undefined;
  for (const route of routes) {
    if (route.family !== key.family || route.table !== table || !contains(route.to, key.to)) continue;
    if (!isFor(route, key) || (best && compareRoutes(route, best) >= 0)) continue;
    if (usableHops(route, key).length === 0 && !hopless(route)) continue;
    if (hidden(routes, route)) continue;
    best = route;
  }
  return best;
}

/** Whether a route is meant for the flow's type of service (fib_dscp_masked_match()) and, in IPv6, for its source. */
function isFor({ tos, from }: Route, key: Pick<FlowKey, 'from' | 'tos'>): boolean {
  return (tos === undefined || tos === legacyTos(key.tos)) && (from === undefined || (key.from !== undefined && contains(from, key.from)));
}

/** IPv6 does not look at a route for every source where its prefix has others for some: fib6_node_lookup_1() goes back to a shorter prefix instead, and from the shortest to the table's root, which is ::/0. */
function hidden(routes: readonly Route[], route: Route): boolean {
  const { family, from, to, table } = route;
  return (
    family === 6 &&
    from === undefined &&
    lengthOf(route) > 0 &&
    routes.some((other) => other.from !== undefined && other.table === table && sameRange(other.to, to))
  );
}

function sameRange(a: string, b: string): boolean {
  return contains(a, b) && contains(b, a);
}

/** The bits of RFC 1349 that IPv4 looks at (INET_DSCP_LEGACY_TOS_MASK). */
function legacyTos(tos = 0): number {
  return tos & 0x1c;
}

/** Negative when the kernel prefers `a`: the longer prefix, in IPv6 then the longer source, in IPv4 a type of service (fib_find_alias()), the smaller metric. */
function compareRoutes(a: Route, b: Route): number {
  return lengthOf(b) - lengthOf(a) || sourceLengthOf(b) - sourceLengthOf(a) || (b.tos ?? 0) - (a.tos ?? 0) || a.metric - b.metric;
}

function sourceLengthOf({ from }: Route): number {
  return from === undefined ? 0 : (parsePrefix(from)?.length ?? 0);
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
  if (rule.tos !== undefined && rule.tos !== (rule.family === 4 ? legacyTos(key.tos) : (key.tos ?? 0) & 0xfc)) return false;
  return portFits(rule.sourcePort, key.sourcePort) && portFits(rule.destinationPort, key.destinationPort);
}

/** ((rule ^ packet) & mask) == 0, as in fib_rule_match(). */
export function markMatches(rule: Pick<PolicyRule, 'mark' | 'mask'>, mark: number): boolean {
  return (((rule.mark ?? 0) ^ mark) & (rule.mask ?? 0xffffffff)) === 0;
}

function portFits(range: readonly [number, number] | undefined, port: number | undefined): boolean {
  return range === undefined || (port !== undefined && port >= range[0] && port <= range[1]);
}
