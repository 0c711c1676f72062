import type { Cure, FirewallChain, FirewallRule, FirewallTable, Snapshot } from '../types.js';
import { type Admission, iptablesMatches, matchSteps, nftMatches } from './admission.js';
import { isOfFirewalld } from './firewall-manager.js';
import { addIptablesRule, merge } from './iptables.js';
import { lastingInFirewalld, lastingNft } from './lasting-rules.js';
import { markedRule } from './nft-undo.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** A chain in its table. */
export interface ChainPlace {
  table: FirewallTable;
  chain: FirewallChain;
}

export const factOfSource = { 'iptables-legacy': 'iptablesLegacy', 'iptables-nft': 'iptablesNft', nft: 'nft' } as const;

/** Puts a rule that accepts some packets before all others of a base chain: a drop, mark or translation in that chain no longer meets them. */
export function admitFirst(snapshot: Snapshot, { table, chain }: ChainPlace, admission: Admission, why: string): Cure {
  if (table.source !== 'nft') {
    return addIptablesRule(snapshot, {
      frontEnd: table.source,
      family: admission.family,
      table: table.name,
      chain: chain.name,
      words: [...iptablesMatches(admission), '-j', 'ACCEPT'],
      at: 'start',
      why,
    });
  }
  const place = { family: table.family, table: table.name, chain: chain.name };
  const { text, undo } = markedRule(place, `${nftMatches(admission)} accept`);
  const rule: FirewallRule = { text, steps: [...matchSteps(admission), { do: 'accept' }] };
  const added = { ...table, chains: [{ ...chain, rules: [rule] }] };
  return {
    host: snapshot.host,
    steps: [
      {
        host: snapshot.host,
        kind: 'command',
        run: commandLine('nft', `insert rule ${table.family} ${table.name} ${chain.name} ${text}`),
        undo,
        persist: isOfFirewalld(snapshot, table)
          ? lastingInFirewalld(table, chain.base?.hook, admission)
          : `at the top of this chain: ${lastingNft(snapshot)}`,
        why,
      },
    ],
    apply: (before) => withFact(before, 'nft', (tables) => merge(tables, added, 'start')),
  };
}
