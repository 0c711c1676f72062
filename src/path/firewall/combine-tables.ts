import type { FirewallTable } from '../../types.js';

/** Every kernel table once: nft also lists the tables of iptables-nft, with matches it cannot print. */
export function combineTables(
  legacy: readonly FirewallTable[],
  iptablesNft: readonly FirewallTable[],
  nft: readonly FirewallTable[],
): FirewallTable[] {
  const owned = new Set(iptablesNft.map(identity));
  return [...legacy, ...iptablesNft, ...nft.filter((table) => !owned.has(identity(table)))];
}

function identity({ family, name }: FirewallTable): string {
  return `${family} ${name}`;
}
