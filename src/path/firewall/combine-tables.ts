import type { FirewallTable } from '../../types.js';

/**
 * Every kernel table once: nft also lists the tables of iptables-nft, with matches it cannot print. Tables of nf_tables keep nft's order,
 * which is that of their creation and decides between chains of equal priority.
 */
export function combineTables(
  legacy: readonly FirewallTable[],
  iptablesNft: readonly FirewallTable[],
  nft: readonly FirewallTable[],
): FirewallTable[] {
  const owned = new Map(iptablesNft.map((table) => [identity(table), table]));
  const listed = new Set(nft.map(identity));
  const unlisted = iptablesNft.filter((table) => !listed.has(identity(table)));
  return [...legacy, ...unlisted, ...nft.map((table) => owned.get(identity(table)) ?? table)];
}

function identity({ family, name }: FirewallTable): string {
  return `${family} ${name}`;
}
