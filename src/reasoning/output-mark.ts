import type { ChainPlace } from '../cures/firewall-rules.js';
import { removeRule } from '../cures/remove-rule.js';
import { firewallOf } from '../path/hooks.js';
import type { Cure, FirewallRule, Snapshot, Walk } from '../types.js';

/** The rule that marks nginx's own packet on its way out, after which the kernel routes it again. */
export function outputMark({ service, steps }: Walk): FirewallRule | undefined {
  return steps.find(({ leg, host, place, code }) => leg === 'forward' && host === service.host && place === 'output' && code === 'marked')
    ?.rule;
}

/** Takes that rule away, wherever it stands. */
export function unmarking(snapshot: Snapshot, rule: FirewallRule): Cure | undefined {
  const firewall = firewallOf(snapshot);
  const tables = 'missing' in firewall ? [] : firewall.tables;
  const place = tables
    .flatMap((table) => table.chains.map((chain): ChainPlace => ({ table, chain })))
    .find(({ chain }) => chain.rules.includes(rule));
  return place && removeRule(snapshot, { ...place, rule }, 'the mark that it gives leads what nginx sends to the local table');
}
