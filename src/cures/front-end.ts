import { factOf } from '../path/world.js';
import type { Family, FirewallTable, Snapshot } from '../types.js';

/** With what a host's firewall is written: new rules go where the old ones are. */
export type FrontEnd = 'nft' | 'iptables' | 'iptables-nft' | 'iptables-legacy';

export function frontEndOf(snapshot: Snapshot): FrontEnd {
  const [legacy, compatible, native] = [factOf(snapshot, 'iptablesLegacy'), factOf(snapshot, 'iptablesNft'), factOf(snapshot, 'nft')];
  if (compatible?.some(hasRules)) return 'iptables-nft';
  if (legacy?.some(hasRules)) return 'iptables-legacy';
  const foreign = new Set(compatible?.map((table) => `${table.family} ${table.name}`));
  if (native?.some((table) => hasRules(table) && !foreign.has(`${table.family} ${table.name}`))) return 'nft';
  const tools = factOf(snapshot, 'tools');
  return tools && !tools.includes('iptables') && tools.includes('nft') ? 'nft' : 'iptables';
}

function hasRules(table: FirewallTable): boolean {
  return table.chains.some((chain) => chain.rules.length > 0);
}

/** The program for a family: `ip6tables-legacy`. */
export function iptablesTool(frontEnd: Exclude<FrontEnd, 'nft'>, family: Family): string {
  return family === 6 ? frontEnd.replace('iptables', 'ip6tables') : frontEnd;
}
