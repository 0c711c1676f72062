import { factOf } from '../path/world.js';
import type { FirewallTable, Snapshot } from '../types.js';
import { hasManager } from './distribution.js';

/** Whether firewalld runs here and made this table: its own of nft, or one of iptables into which it puts its chains. */
export function isOfFirewalld(snapshot: Snapshot, { source, family, name, chains }: FirewallTable): boolean {
  if (!hasManager(snapshot, 'firewalld')) return false;
  if (source === 'nft') return family === 'inet' && name === 'firewalld';
  return chains.some((chain) => chain.name === 'INPUT_ZONES');
}

/** Whether ufw is at work in a table: its chains are there from `ufw enable` on. It has no process. */
export function isOfUfw({ source, chains }: FirewallTable): boolean {
  return source !== 'nft' && chains.some(({ name }) => name === 'ufw-user-input' || name === 'ufw6-user-input');
}

/** What manages the host's firewall as a whole. */
export function firewallManagerOf(snapshot: Snapshot): 'firewalld' | 'ufw' | undefined {
  if (hasManager(snapshot, 'firewalld')) return 'firewalld';
  const tables = [...(factOf(snapshot, 'iptablesNft') ?? []), ...(factOf(snapshot, 'iptablesLegacy') ?? [])];
  return hasManager(snapshot, 'ufw') || tables.some(isOfUfw) ? 'ufw' : undefined;
}
