import { factOf } from '../path/world.js';
import type { Cure, Family, FirewallChain, FirewallTable, Snapshot } from '../types.js';
import { merge } from './iptables.js';
import { lastingNft } from './lasting-rules.js';
import { markedRule } from './nft-undo.js';

import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** A chain to make (with its `base`), or one that is there, and the rules to append to it. */
export interface NftChain extends FirewallChain {
  /** True for a chain that the host already has. */
  present?: boolean;
}

export interface NftChange {
  family: 'ip' | 'ip6';
  /** Of a new table the name that it gets where it is free. */
  table: string;
  /** True for a table that the host already has, with all its chains. */
  present?: boolean;
  chains: readonly NftChain[];
  why: string;
}

/** Adds rules with nft; a new table is made for them unless one is named that the host has. */
export function addNftRules(snapshot: Snapshot, change: NftChange): Cure {
  const { present = false, chains, why } = change;
  const table = present ? change.table : freeTableName(snapshot, change);
  const added: FirewallTable = {
    source: 'nft',
    family: change.family,
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
        ...(present ? intoTable(added) : newTable(added)),
        persist: lastingNft(snapshot),
        why,
      },
    ],
    apply: (before) => withFact(before, 'nft', (tables) => merge(tables, added, 'end')),
  };
}

function _familyOf({ family }: Pick<NftChange, 'family'>): Family {
  return family === 'ip6' ? 6 : 4;
}

/** Deleting the table is the undo, so it must be nobody else's; one that appears meanwhile makes `create` fail, and nothing is done. */
function freeTableName(snapshot: Snapshot, { family, table }: NftChange): string {
  const taken = new Set(factOf(snapshot, 'nft')?.flatMap((other) => (other.family === family ? [other.name] : [])));
  const names = Array.from({ length: 99 }, (_, i) => (i === 0 ? table : `${table}_${i + 1}`));
  return names.find((name) => !taken.has(name)) ?? table;
}

interface Commands {
  run: string;
  undo: string;
}

function newTable({ family, name, chains }: FirewallTable): Commands {
  const where = `${family} ${name}`;
  const script = [
    `create table ${where}`,
    ...chains.flatMap((chain) => [makeChain(where, chain), ...chain.rules.map((rule) => `add rule ${where} ${chain.name} ${rule.text}`)]),
  ];
  return { run: commandLine('nft', script.join('; ')), undo: commandLine('nft', `delete table ${where}`) };
}

function intoTable({ family, name, chains }: FirewallTable): Commands {
  const rules = chains.flatMap((chain) =>
    chain.rules.map((rule) => ({ chain: chain.name, ...markedRule({ family, table: name, chain: chain.name }, rule.text) })),
  );
  const script = rules.map(({ chain, text }) => `add rule ${family} ${name} ${chain} ${text}`);
  return {
    run: commandLine('nft', script.join('; ')),
    undo: rules
      .map(({ undo }) => undo)
      .reverse()
      .join(' && '),
  };
}

function makeChain(where: string, { name, base }: FirewallChain): string {
  if (!base) return `add chain ${where} ${name}`;
  return `add chain ${where} ${name} { type ${base.type} hook ${base.hook} priority ${base.priority}; }`;
}
