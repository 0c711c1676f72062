import type { Fact, Family, FirewallTable, Host } from '../types.js';
import { fromReply, known, unknown } from './fact.js';
import { parseIptablesSave } from './netfilter/iptables-save.js';
import { hasBackEnd, isMissing, nfTablesPresent } from './netfilter/presence.js';

/** Tables of the nft back end of iptables, both families. Without its tool they still show in `nft`, less legibly. */
export async function read(host: Host): Promise<Fact<readonly FirewallTable[]>> {
  const present = await nfTablesPresent(host);
  if (present === false) return known([]);
  if (present !== true) return unknown(present);
  const families = await Promise.all([save(host, 4), save(host, 6)]);
  const missing = families.find((fact) => !fact.ok);
  return missing ?? known(families.flatMap((fact) => (fact.ok ? fact.value : [])));
}

async function save(host: Host, family: Family): Promise<Fact<readonly FirewallTable[]>> {
  const tool = family === 4 ? 'iptables' : 'ip6tables';
  const run = [`${tool}-nft-save`, '-c'];
  const reply = await host({ run });
  if (!isMissing(reply)) return fromReply(reply, run.join(' '), (text) => parse(text, family));
  if (!(await hasBackEnd(host, 'nft')) || (await hasBackEnd(host, 'legacy'))) return known([]);
  const plain = await host({ run: [`${tool}-save`, '-c'] });
  return isMissing(plain) ? known([]) : fromReply(plain, `${tool}-save -c`, (text) => parse(text, family));
}

/** The text of `iptables-nft-save -c` or `ip6tables-nft-save -c`. */
export function parse(text: string, family: Family): FirewallTable[] {
  return parseIptablesSave(text, { source: 'iptables-nft', family });
}
