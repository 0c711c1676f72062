import type { Fact, Family, FirewallTable, Host } from '../types.js';
import { fromReply, known, unknown } from './fact.js';
import { parseIptablesSave } from './netfilter/iptables-save.js';
import { hasBackEnd, isMissing } from './netfilter/presence.js';

/**
 * Tables of the legacy back end, both families. The tools are asked only where the kernel lists tables in /proc/net:
 * elsewhere they would load ip_tables and register empty ones.
 */
export async function read(host: Host): Promise<Fact<readonly FirewallTable[]>> {
  const families = await Promise.all([readFamily(host, 4), readFamily(host, 6)]);
  const missing = families.find((fact) => !fact.ok);
  return missing ?? known(families.flatMap((fact) => (fact.ok ? fact.value : [])));
}

async function readFamily(host: Host, family: Family): Promise<Fact<readonly FirewallTable[]>> {
  const file = family === 4 ? '/proc/net/ip_tables_names' : '/proc/net/ip6_tables_names';
  const [exists, names] = await Promise.all([host({ glob: file }), host({ read: file })]);
  if (exists.ok && exists.text.trim() === '') return known([]);
  if (!names.ok) return isMissing(names) ? known([]) : unknown(`${file}: ${names.why}`);
  const tables = names.text.split('\n').filter((name) => name !== '');
  return tables.length === 0 ? known([]) : save(host, family, `${file} lists ${tables.slice(0, 8).join(', ')}`);
}

async function save(host: Host, family: Family, evidence: string): Promise<Fact<readonly FirewallTable[]>> {
  const tool = family === 4 ? 'iptables' : 'ip6tables';
  const run = [`${tool}-legacy-save`, '-c'];
  const reply = await host({ run });
  if (!isMissing(reply)) return fromReply(reply, run.join(' '), (text) => parse(text, family));
  // Before iptables 1.8 there was one back end, and `iptables-save` belonged to it.
  const plain = (await hasBackEnd(host, 'nft')) ? undefined : await host({ run: [`${tool}-save`, '-c'] });
  if (plain && !isMissing(plain)) return fromReply(plain, `${tool}-save -c`, (text) => parse(text, family));
  return unknown(`${tool}-legacy-save: not found, but ${evidence}`);
}

/** The text of `iptables-legacy-save -c` or `ip6tables-legacy-save -c`. */
export function parse(text: string, family: Family): FirewallTable[] {
  return parseIptablesSave(text, { source: 'iptables-legacy', family });
}
