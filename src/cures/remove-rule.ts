import { readOptions } from '../facts/netfilter/iptables-words.js';
import { factOf } from '../path/world.js';
import type { Cure, Family, FirewallChain, FirewallRule, FirewallTable, FixStep, Snapshot } from '../types.js';
import { inTurn } from './combine.js';
import { type ChainPlace, factOfSource } from './firewall-rules.js';
import { addIptablesRule } from './iptables.js';
import { reinsertion } from './nft-undo.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** A rule in its chain. */
export interface RulePlace extends ChainPlace {
  rule: FirewallRule;
}

/** Takes a rule out. Undefined where the tool cannot name it: a rule of nft whose handle is not known. */
export function removeRule(snapshot: Snapshot, place: RulePlace, why: string): Cure | undefined {
  const { table, rule } = place;
  const chain = currentChain(snapshot, place);
  const commands = removal(table, chain, rule);
  if (!commands) return undefined;
  return {
    host: snapshot.host,
    steps: [{ host: snapshot.host, kind: 'command', ...commands, persist: 'take the same rule out of what loads the rules at boot', why }],
    apply: (before) =>
      withFact(before, factOfSource[table.source], (tables) =>
        tables.map((each) =>
          isSame(each, table)
            ? { ...each, chains: each.chains.map((one) => (one.name === chain.name ? { ...one, rules: without(one.rules, rule) } : one)) }
            : each,
        ),
      ),
  };
}

/** Takes rules out one after the other, each told by its place among those that are left. Undefined where one cannot be. */
export function removeRules(snapshot: Snapshot, places: readonly RulePlace[], why: string): Cure | undefined {
  const distinct = [...new Map(places.map((place) => [place.rule, place])).values()];
  return inTurn(
    snapshot,
    distinct.map((place) => (now) => removeRule(now, place, why)),
  );
}

/** The chain as earlier cures have left it. */
function currentChain(snapshot: Snapshot, { table, chain }: ChainPlace): FirewallChain {
  const tables = factOf(snapshot, factOfSource[table.source]) ?? [];
  return tables.find((each) => isSame(each, table))?.chains.find(({ name }) => name === chain.name) ?? chain;
}

function isSame(a: FirewallTable, b: FirewallTable): boolean {
  return a.family === b.family && a.name === b.name;
}

/** Where in a chain a rule is: itself, else the first that reads like it, as earlier cures may have made a copy of the table. */
function positionOf(rules: readonly FirewallRule[], rule: FirewallRule): number {
  return rules.includes(rule) ? rules.indexOf(rule) : rules.findIndex(({ text, handle }) => text === rule.text && handle === rule.handle);
}

function without(rules: readonly FirewallRule[], rule: FirewallRule): FirewallRule[] {
  const at = positionOf(rules, rule);
  return rules.filter((_, index) => index !== at);
}

/** Matches and target of a rule as iptables-save prints it, one word each. */
function ruleWords(chain: FirewallChain, rule: FirewallRule): string[] | undefined {
  const [append, ...options] = readOptions(rule.text);
  if (append?.name !== '-A' || append.args[0] !== chain.name) return undefined;
  return options.flatMap((option) => [...(option.not ? ['!'] : []), option.name, ...option.args]);
}

/** Puts a rule of the legacy back end into the nft back end, at the end of the same chain unless it is there. Undefined where its words cannot be told. */
function moveToNft(snapshot: Snapshot, place: RulePlace, why: string): Cure | undefined {
  const { table, chain, rule } = place;
  const others = factOf(snapshot, 'iptablesNft')
    ?.find((each) => isSame(each, table))
    ?.chains.find(({ name }) => name === chain.name);
  if (others?.rules.some(({ text }) => text === rule.text)) return removeRule(snapshot, place, why);
  const words = ruleWords(chain, rule);
  if (!words) return undefined;
  const family: Family = table.family === 'ip6' ? 6 : 4;
  const added = { frontEnd: 'iptables-nft', family, table: table.name, chain: chain.name, words, at: 'end', why } as const;
  return inTurn(snapshot, [(now) => addIptablesRule(now, added), (now) => removeRule(now, place, why)]);
}

/** Rule by rule, so that no moment lacks one. Undefined where one cannot be moved. */
export function moveAllToNft(snapshot: Snapshot, places: readonly RulePlace[], why: string): Cure | undefined {
  return inTurn(
    snapshot,
    places.map((place) => (now) => moveToNft(now, place, why)),
  );
}

function removal(
  table: FirewallTable,
  chain: FirewallChain,
  rule: FirewallRule,
): Pick<FixStep & { kind: 'command' }, 'run' | 'undo'> | undefined {
  const { family, name } = table;
  if (table.source === 'nft') {
    if (rule.handle === undefined) return undefined;
    const undo = reinsertion({ family, table: name, chain: chain.name }, chain.rules, rule);
    const run = commandLine('nft', `delete rule ${family} ${name} ${chain.name} handle ${rule.handle}`);
    return { run, ...(undo === undefined ? {} : { undo }) };
  }
  const words = ruleWords(chain, rule);
  if (!words) return undefined;
  const tool = family === 'ip6' ? table.source.replace('iptables', 'ip6tables') : table.source;
  const command = (...verb: (string | number)[]) => commandLine(tool, '-t', name, ...verb, ...words);
  return { run: command('-D', chain.name), undo: command('-I', chain.name, positionOf(chain.rules, rule) + 1) };
}
