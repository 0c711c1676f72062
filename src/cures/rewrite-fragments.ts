import { compareAddresses, familyOf } from '../net/address.js';
import type { Cure, FirewallRule, Snapshot } from '../types.js';
import { addNftRules } from './nft.js';

/**
 * Rewrites what a rule that matches ports leaves alone: of datagrams from these addresses all pieces but the first. Undefined for IPv6, whose later
 * fragments nft finds by an extension header.
 */
export function rewriteLaterFragments(snapshot: Snapshot, sources: readonly string[], vip: string): Cure | undefined {
  if (familyOf(vip) !== 4) return undefined;
  const chain = {
    name: 'rewrite',
    base: { hook: 'postrouting', priority: 300, type: 'filter' },
    rules: [laterFragments(sources, vip)],
  } as const;
  return addNftRules(snapshot, {
    family: 'ip',
    table: 'dsr_fragments',
    chains: [chain],
    why: 'later fragments carry no port for the other rule to match',
  });
}

function laterFragments(sources: readonly string[], vip: string): FirewallRule {
  const sorted = [...sources].sort(compareAddresses);
  const among = sorted.length > 1 ? `{ ${sorted.join(', ')} }` : (sorted[0] ?? '');
  return {
    text: `ip saddr ${among} ip protocol udp ip frag-off & 0x1fff != 0 ip saddr set ${vip}`,
    steps: [
      { match: 'address', side: 'source', not: false, among: sorted.map((source) => [source, source] as const) },
      { match: 'protocol', not: false, among: [17] },
      { match: 'later-fragment', not: false },
      { do: 'rewrite', field: 'source-address', to: vip },
    ],
  };
}
