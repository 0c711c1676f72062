import { rangeOf } from '../net/prefix.js';
import type { Cure, Snapshot } from '../types.js';
import { frontEndOf } from './front-end.js';
import { addIptablesRule } from './iptables.js';
import { addNftRules } from './nft.js';

const why = 'nobody outside knows a way back to private addresses';

/** What an IPv4 subnet sends out on a link gets this host's address. */
export function masquerade(snapshot: Snapshot, subnet: string, out: string): Cure {
  const frontEnd = frontEndOf(snapshot);
  if (frontEnd !== 'nft') {
    const words = ['-s', subnet, '-o', out, '-j', 'MASQUERADE'];
    return addIptablesRule(snapshot, { frontEnd, family: 4, table: 'nat', chain: 'POSTROUTING', words, at: 'end', why });
  }
  const range = rangeOf(subnet) ?? ([subnet, subnet] as const);
  return addNftRules(snapshot, {
    family: 'ip',
    table: 'upstreams_outbound',
    why,
    chains: [
      {
        name: 'postrouting',
        base: { hook: 'postrouting', priority: 100, type: 'nat' },
        rules: [
          {
            text: `ip saddr ${subnet} oifname "${out}" masquerade`,
            steps: [
              { match: 'address', side: 'source', not: false, among: [range] },
              { match: 'interface', side: 'out', not: false, among: [out] },
              { do: 'masquerade' },
            ],
          },
        ],
      },
    ],
  });
}
