import type { Fact, FirewallChain, FirewallTable, Host } from '../types.js';
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
  const tables = fromReply(reply, run.join(' '), parse);
  return tables.ok ? known(await withDevices(host, tables.value)) : tables;
}

/** The text of `nft -j list ruleset`. */
export const parse = parseNft;

/** Versions before 1.1 leave the devices of netdev chains out of their JSON; the text of the chain has them. */
async function withDevices(host: Host, tables: readonly FirewallTable[]): Promise<FirewallTable[]> {
  return Promise.all(
    tables.map(async (table) => ({ ...table, chains: await Promise.all(table.chains.map((chain) => withDevice(host, table, chain))) })),
  );
}

/** nft reads its arguments as one text in its own language, so nothing but a plain identifier may become part of them. */
const identifier = /^[A-Za-z][A-Za-z0-9_]*$/;

async function withDevice(host: Host, { family, name }: FirewallTable, chain: FirewallChain): Promise<FirewallChain> {
  const { base } = chain;
  if (!base || base.devices || family !== 'netdev' || !identifier.test(name) || !identifier.test(chain.name)) return chain;
  const reply = await host({ run: ['nft', 'list', 'chain', family, name, chain.name] });
  const devices = reply.ok ? parseDevices(reply.text) : [];
  return devices.length > 0 ? { ...chain, base: { ...base, devices } } : chain;
}

/** The devices in `type filter hook ingress device "eth0" priority 0` or `… devices = { eth0, eth1 } priority 0`. */
export function parseDevices(text: string): string[] {
  const [, one, many] = /\bhook (?:ingress|egress) (?:device "?([^"\s]+)"?|devices = \{ ([^}]*) \}) priority/.exec(text) ?? [];
  return (one ?? many ?? '')
    .split(',')
    .map((device) => device.trim().replaceAll('"', ''))
    .filter((device) => device !== '');
}
