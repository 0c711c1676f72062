import { contains } from '../net/prefix.js';
import { markMatches } from '../path/fib.js';
import type { Evidence, Facts, Family, PolicyRule, Route } from '../types.js';

type RuleFacts = Pick<Facts, 'policyRules' | 'routes'>;

/** Policy rules for firewall marks that fit a mark under their mask, in their order. */
export function rulesForMark({ policyRules }: Pick<Facts, 'policyRules'>, mark: number, family: Family): PolicyRule[] {
  return markRules(policyRules, family).filter((rule) => rule.mark !== 0 && markMatches(rule, mark));
}

/** All policy rules that ask for a mark and lead to a table. */
export function markRules(policyRules: readonly PolicyRule[], family: Family): PolicyRule[] {
  return policyRules
    .filter((rule) => rule.family === family && rule.mark !== undefined && rule.action === 'table')
    .sort((a, b) => a.priority - b.priority);
}

/** Routes of a rule's table that cover an address. */
export function coveringRoutes({ routes }: Pick<Facts, 'routes'>, rule: PolicyRule, address: string): Route[] {
  return routes.filter((route) => route.family === rule.family && route.table === rule.table && contains(route.to, address));
}

/** Whether a rule's table makes an address this host's own. */
export function leadsHome(facts: RuleFacts, rule: PolicyRule, address: string): boolean {
  return coveringRoutes(facts, rule, address).some((route) => route.type === 'local');
}

/** A policy rule as `ip rule` prints it. */
export function describeRule({ priority, not, from = 'all', to, iif, mark, mask, tos, action, table }: PolicyRule): string {
  const selectors = [
    ...(not ? ['not'] : []),
    `from ${from}`,
    ...(to === undefined ? [] : [`to ${to}`]),
    ...(mark === undefined
      ? []
      : [`fwmark 0x${mark.toString(16)}${mask === undefined || mask === 0xffffffff ? '' : `/0x${mask.toString(16)}`}`]),
    ...(iif === undefined ? [] : [`iif ${iif}`]),
    ...(tos === undefined ? [] : [`tos 0x${tos.toString(16)}`]),
  ];
  return `${priority}: ${selectors.join(' ')} ${action === 'table' ? `lookup ${table ?? 'main'}` : action}`;
}

export function ruleEvidence(host: string, rule: PolicyRule): Evidence {
  return { host, what: describeRule(rule), source: rule.family === 6 ? 'ip -6 rule' : 'ip rule' };
}

/** A table's routes as evidence, or that it has none. */
export function tableEvidence(host: string, routes: readonly Route[], family: Family, table: string): Evidence {
  const held = routes.filter((route) => route.family === family && route.table === table);
  const what = held
    .map((route) => `${route.type} ${route.to}${route.nextHops[0]?.link ? ` dev ${route.nextHops[0].link}` : ''}`)
    .join('; ');
  return { host, what: what === '' ? `table ${table} is empty` : what, source: `ip ${family === 6 ? '-6 ' : ''}route show table ${table}` };
}
