import type { FirewallRule } from '../types.js';
import { nameHash } from './name-hash.js';
import { commandLine } from './shell.js';

/** Where a rule of nft stands. */
export interface NftPlace {
  family: string;
  table: string;
  chain: string;
}

export interface MarkedRule {
  /** The rule with its comment. */
  text: string;
  /** Takes it out again, whatever handle it got. */
  undo: string;
}

/** A rule with a comment of its own: nft deletes by handle, which nobody knows before the rule is there. The same rule always gets the same comment. */
export function markedRule({ family, table, chain }: NftPlace, text: string): MarkedRule {
  const comment = `tpdoctor ${nameHash(`${family} ${table} ${chain} ${text}`)}`;
  const place = [family, table, chain];
  const handle = `${commandLine('nft', '-a', 'list', 'chain', ...place)} | sed -n 's/.* comment "${comment}".*# handle \\([0-9]*\\)$/\\1/p' | head -n 1`;
  return { text: `${text} comment "${comment}"`, undo: `${commandLine('nft', 'delete', 'rule', ...place, 'handle')} "$(${handle})"` };
}

/** The command that puts a rule where it stood in its chain; undefined for one whose text may lack something. */
export function reinsertion({ family, table, chain }: NftPlace, rules: readonly FirewallRule[], rule: FirewallRule): string | undefined {
  if (!isWhole(rule)) return undefined;
  // A rule with a map of verdicts is read as several, all with its handle. What earlier steps add has none.
  const places = [...new Set(rules.map((each) => each.handle ?? each))];
  const at = places.indexOf(rule.handle ?? rule);
  const verb = at === places.length - 1 ? 'add' : 'insert';
  const position = verb === 'insert' && at > 0 ? `index ${at} ` : '';
  return commandLine('nft', `${verb} rule ${family} ${table} ${chain} ${position}${withCounter(rule)}`);
}

/** Texts leave out options of statements that do not decide; and what stands behind a semicolon nft would take for a command of its own. */
function isWhole({ text, steps }: FirewallRule): boolean {
  return !/[;\n]/.test(text) && steps.every((step) => !/^(?:unknown|nothing)$/.test('do' in step ? step.do : step.match));
}

const action = / (?:accept|drop|return|notrack|masquerade|redirect|reject|[sd]nat|tproxy|jump|goto|\w+ \w+ set)(?= |$)/;

/** Texts of rules come without their counters, which most people write before what the rule does. */
function withCounter({ text, packets }: FirewallRule): string {
  return packets === undefined ? text : text.replace(action, (found) => ` counter${found}`);
}
