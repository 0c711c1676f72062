import type { Cure, FirewallChain, FirewallTable, Snapshot } from '../types.js';
import { merge } from './iptables.js';
import { markedRule } from './nft-undo.js';
import { persistFirewallRule } from './persistence.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** A chain to make (with its `base`), or one that is there, and the rules to append to it. */
export interface NftChain extends FirewallChain {
  /** True for a chain that the host already has. */
  present?: boolean;
}

export interface NftChange {
  family: 'ip' | 'ip6';
  table: string;
  /** True for a table that the host already has: it is not taken away by `undo`. */
  present?: boolean;
  chains: readonly NftChain[];
  why: string;
}

/** Adds rules with nft; a new table is made for them unless one is named that the host has. */
export function addNftRules(snapshot: Snapshot, { family, table, present, chains, why }: NftChange): Cure {
  const where = `${family} ${table}`;
  // A table of our own goes as a whole; what joins the user's rules has to be found again.
  const additions = chains.map((chain) => ({
    chain,
    rules: chain.rules.map(({ text }) => (present ? markedRule({ family, table, chain: chain.name }, text) : { text, undo: '' })),
  }));
  const script = [
    ...(present ? [] : [`add table ${where}`]),
    ...additions.flatMap(({ chain, rules }) => [
      ...(chain.present ? [] : [makeChain(where, chain)]),
      ...rules.map(({ text }) => `add rule ${where} ${chain.name} ${text}`),
    ]),
  ];
  const undo = present
    ? additions.flatMap(({ rules }) => rules.map((rule) => rule.undo)).join(' && ')
    : commandLine('nft', `delete table ${where}`);
  const added: FirewallTable = {
    source: 'nft',
    family,
    name: table,
    chains: chains.map(({ present: _present, ...chain }) => chain),
    sets: {},
  };
  return {
    host: snapshot.host,
    steps: [
      {
        host: snapshot.host,
        kind: 'command',
        run: commandLine('nft', script.join('; ')),
        undo,
        persist: persistFirewallRule(snapshot, 'nft', family === 'ip6' ? 6 : 4),
        why,
      },
    ],
    apply: (before) => withFact(before, 'nft', (tables) => merge(tables, added, 'end')),
  };
}

function makeChain(where: string, { name, base }: FirewallChain): string {
  if (!base) return `add chain ${where} ${name}`;
  return `add chain ${where} ${name} { type ${base.type} hook ${base.hook} priority ${base.priority}; }`;
}
