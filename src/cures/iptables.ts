import { parseIptablesSave } from '../facts/netfilter/iptables-save.js';
import type { Cure, Family, FirewallTable, Snapshot } from '../types.js';
import { type FrontEnd, iptablesTool } from './front-end.js';
import { lastingIptables } from './lasting-rules.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

export interface IptablesRule {
  frontEnd: Exclude<FrontEnd, 'nft'>;
  family: Family;
  table: string;
  chain: string;
  /** Matches and target, one word each; a comma list of addresses is allowed. */
  words: readonly string[];
  /** At the end of its chain, or as its first rule. */
  at: 'end' | 'start';
  why: string;
}

/** Adds a rule. The copy is changed by reading the rule back with the parser of iptables-save. */
export function addIptablesRule(snapshot: Snapshot, rule: IptablesRule): Cure {
  const tool = iptablesTool(rule.frontEnd, rule.family);
  const command = (verb: string) => commandLine(tool, '-t', rule.table, verb, rule.chain, ...rule.words);
  const undo = command('-D');
  const persist = lastingIptables(snapshot, rule);
  const source = rule.frontEnd === 'iptables-legacy' ? ('iptables-legacy' as const) : ('iptables-nft' as const);
  const text = `*${rule.table}\n:${rule.chain} ACCEPT [0:0]\n${expand(rule).join('\n')}\nCOMMIT\n`;
  const parsed = parseIptablesSave(text, { source, family: rule.family })[0];
  return {
    host: snapshot.host,
    steps: [{ host: snapshot.host, kind: 'command', run: command(rule.at === 'end' ? '-A' : '-I'), undo, persist, why: rule.why }],
    apply: (before) =>
      withFact(before, source === 'iptables-legacy' ? 'iptablesLegacy' : 'iptablesNft', (tables) =>
        parsed ? merge(tables, parsed, rule.at) : tables,
      ),
  };
}

/** iptables makes one rule of each address in a comma list. */
function expand({ chain, words }: IptablesRule): string[] {
  const lists = ['-s', '-d'].map((flag) => words.indexOf(flag) + 1).filter((at) => at > 0);
  const each = lists.reduce<string[][]>(
    (all, at) => all.flatMap((some) => (words[at] ?? '').split(',').map((address) => some.with(at, address))),
    [[...words]],
  );
  return each.map((some) => ['-A', chain, ...some].join(' '));
}

/** Puts the chains of `added` into the table of the same name, which is made when the host has none. */
export function merge(tables: readonly FirewallTable[], added: FirewallTable, at: 'end' | 'start'): FirewallTable[] {
  const present = tables.find((table) => table.family === added.family && table.name === added.name);
  if (!present) return [...tables, added];
  const chains = present.chains.map((chain) => {
    const rules = added.chains.find((other) => other.name === chain.name)?.rules ?? [];
    return { ...chain, rules: at === 'end' ? [...chain.rules, ...rules] : [...rules, ...chain.rules] };
  });
  const missing = added.chains.filter((chain) => !present.chains.some((other) => other.name === chain.name));
  return tables.map((table) => (table === present ? { ...present, chains: [...chains, ...missing] } : table));
}
