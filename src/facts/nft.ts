import type { Fact, FirewallTable, Host } from '../types.js';
import { fromReply, known, unknown } from './fact.js';
import { parseNft } from './netfilter/nft-tables.js';
import { isMissing, nfTablesPresent } from './netfilter/presence.js';

const run = ['nft', '-j', 'list', 'ruleset'];

/** The nftables rule set, asked only where the kernel already has nf_tables: nft would load it. */
export async function read(host: Host): Promise<Fact<readonly FirewallTable[]>> {
  const present = await nfTablesPresent(host);
  if (present === false) return known([]);
  if (present !== true) return unknown(present);
  const reply = await host({ run, timeoutMs: 20_000 });
  if (isMissing(reply)) return unknown('nft: not found, but the kernel has nf_tables');
  return fromReply(reply, run.join(' '), parse);
}

/** The text of `nft -j list ruleset`. */
export const parse = parseNft;
