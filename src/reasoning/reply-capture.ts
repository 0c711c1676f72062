import { contains } from '../net/prefix.js';
import { markMatches } from '../path/fib.js';
import { factOf } from '../path/world.js';
import type { Case, PolicyRule, Route } from '../types.js';
import { type Broken, brokenBy } from './broken.js';

/** Which part of the interception (mark, policy rule, local route) a reply misses on nginx's host. */
export type Missing =
  | { part: 'mark' }
  | { part: 'policy-rule'; mark: number }
  /** A rule for another mark leads to a table with a local route. */
  | { part: 'policy-rule-mark'; mark: number; rule: PolicyRule }
  | { part: 'policy-rule-order'; mark: number; rule: PolicyRule; caughtBy?: PolicyRule }
  | { part: 'local-route'; mark: number; rule: PolicyRule }
  | { part: 'local-route-type'; mark: number; rule: PolicyRule; routes: readonly Route[] };

export interface Uncaptured extends Broken {
  missing: Missing;
}

/** Replies of method 1 that nginx's host does not take in, each with the part that is missing. */
export function uncapturedReplies(c: Case): Uncaptured[] {
  // Replies of other upstreams that reach the client past nginx show what this service is meant to be.
  const direct = new Set(brokenBy(c, 'awaited-in-vain').map(({ walk }) => walk.service));
  return brokenBy(c, 'not-taken-in').flatMap((broken) => {
    if (direct.has(broken.walk.service)) return [];
    const missing = whatIsMissing(c, broken);
    return missing ? [{ ...broken, missing }] : [];
  });
}

function whatIsMissing(c: Case, { step, walk }: Broken): Missing | undefined {
  const snapshot = c.snapshots.get(step.host);
  const [rules, routes] = [factOf(snapshot, 'policyRules'), factOf(snapshot, 'routes')];
  if (!rules || !routes) return undefined;
  const { mark, family } = step.packet;
  if (mark === 0) return { part: 'mark' };
  const forMarks = rules.filter((rule) => rule.family === family && rule.mark !== undefined && rule.action === 'table');
  const table = (rule: PolicyRule) => routes.filter((route) => route.family === family && route.table === rule.table);
  const leadsHome = (rule: PolicyRule) => table(rule).some((route) => route.type === 'local' && contains(route.to, walk.client));
  const fitting = forMarks.filter((rule) => rule.mark !== 0 && markMatches(rule, mark));
  const shadowed = fitting.find(leadsHome);
  if (shadowed) return { part: 'policy-rule-order', mark, rule: shadowed };
  const rule = fitting[0];
  if (rule)
    return table(rule).length === 0 ? { part: 'local-route', mark, rule } : { part: 'local-route-type', mark, rule, routes: table(rule) };
  const other = forMarks.find(leadsHome);
  return other ? { part: 'policy-rule-mark', mark, rule: other } : { part: 'policy-rule', mark };
}

/** The mark with which this host already sends packets to its own sockets, for this family or the other, else 1. */
export function establishedMark(c: Case, host: string, family: 4 | 6): number {
  const snapshot = c.snapshots.get(host);
  const routes = factOf(snapshot, 'routes') ?? [];
  const rules = (factOf(snapshot, 'policyRules') ?? []).filter((rule) => rule.mark !== undefined && rule.mark !== 0);
  const leadsHome = (rule: PolicyRule) =>
    routes.some((route) => route.family === rule.family && route.table === rule.table && route.type === 'local');
  const rule =
    rules.find((candidate) => candidate.family === family && leadsHome(candidate)) ??
    rules.find((candidate) => candidate.family === family) ??
    rules.find(leadsHome);
  return rule?.mark ?? 1;
}
