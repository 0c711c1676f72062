import { readFileSync } from 'node:fs';
import type { FirewallMatch, FirewallRule, FirewallTable } from '../../src/types.js';

/** What real tools printed, by the release they came from. */
export function fixture(name: string): string {
  return readFileSync(new URL(`./fixtures/firewall/${name}`, import.meta.url), 'utf8');
}

export function allRules(tables: readonly FirewallTable[]): FirewallRule[] {
  return tables.flatMap((table) => table.chains.flatMap((chain) => chain.rules));
}

/** The rule whose text contains a part. */
export function ruleWith(tables: readonly FirewallTable[], part: string): FirewallRule {
  const rule = allRules(tables).find((entry) => entry.text.includes(part));
  if (!rule) throw new Error(`no rule has ${part}`);
  return rule;
}

export function unknownSteps(rule: FirewallRule): (FirewallMatch & { match: 'unknown' })[] {
  return rule.steps.filter((step) => 'match' in step && step.match === 'unknown');
}
