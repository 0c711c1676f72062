import { readOptions } from '../facts/netfilter/iptables-words.js';
import { factOf } from '../path/world.js';
import type { FirewallChain, FirewallRule, FirewallTable, Snapshot, TcFilter } from '../types.js';
import { addedRoute, addedRule } from './ip-words.js';
import type { Piece } from './piece.js';

/** Words that a unit, a script and sh all take as they stand. */
const plain = /^[\w.:,/@=+!-]{1,200}$/;

/** The commands that make a piece anew, each as its words; undefined where they cannot be told. */
export function commandsFor(snapshot: Snapshot, piece: Piece): string[][] | undefined {
  const commands = made(snapshot, piece);
  return commands?.every((words) => words.every((word) => plain.test(word))) ? commands : undefined;
}

function made(snapshot: Snapshot, piece: Piece): string[][] | undefined {
  if (piece.kind === 'policy-rule') return [addedRule(piece.rule)];
  if (piece.kind === 'route') return [addedRoute(piece.route)];
  if (piece.kind === 'traffic-control') return filterCommands(snapshot, piece.filter);
  return piece.kind === 'firewall' ? ruleCommand(piece) : undefined;
}

/** Matches and target of a rule of iptables, without its comment. */
export function ruleWords({ text }: FirewallRule): string[] {
  const [, ...options] = readOptions(text);
  const telling = options.filter(({ name, args }) => name !== '--comment' && !(name === '-m' && args[0] === 'comment'));
  return telling.flatMap(({ not, name, args }) => [...(not ? ['!'] : []), name, ...args]);
}

function ruleCommand({ table, chain, rule }: { table: FirewallTable; chain: FirewallChain; rule: FirewallRule }): string[][] | undefined {
  if (table.source === 'nft' || !chain.base) return undefined;
  const tool = table.family === 'ip6' ? table.source.replace('iptables', 'ip6tables') : table.source;
  return [[tool, '-t', table.name, '-A', chain.name, ...ruleWords(rule)]];
}

/** The qdisc that a filter hangs on, and the filter. */
function filterCommands(snapshot: Snapshot, filter: TcFilter): string[][] | undefined {
  const { link, parent } = filter;
  const added = addedFilter(filter);
  const qdisc = factOf(snapshot, 'trafficControl')?.qdiscs.find(
    (each) => each.link === link && (each.handle === parent || (isClassless(parent) && /^(?:clsact|ingress)$/.test(each.kind))),
  );
  if (!qdisc || !added) return undefined;
  const root = isClassless(parent) ? [qdisc.kind] : ['root', 'handle', qdisc.handle, qdisc.kind];
  return [['tc', 'qdisc', 'replace', 'dev', link, ...root], added];
}

function isClassless(parent: string): boolean {
  return parent === 'ingress' || parent === 'egress';
}

/** iproute2 prints every mask of the action as /32: where the filter matches the prefix that begins there, that prefix is meant. */
function turned(old: string, matched: string | undefined): string {
  const [address, length] = old.split('/');
  return matched?.startsWith(`${address}/`) && length === '32' ? matched : old;
}

/** The words of the command that adds a filter that translates an address; undefined for any other. */
export function addedFilter({ link, parent, protocol, priority, match, actions }: TcFilter): string[] | undefined {
  const [action, ...others] = actions;
  if (!match || action?.kind !== 'nat' || others.length > 0) return undefined;
  const port = (name: string, said: { value: number; mask: number } | undefined) =>
    said === undefined ? [] : ['match', 'ip', name, String(said.value), `0x${said.mask.toString(16)}`];
  const matches = [
    ...(match.source === undefined ? [] : ['match', 'ip', 'src', match.source]),
    ...(match.destination === undefined ? [] : ['match', 'ip', 'dst', match.destination]),
    ...(match.ipProtocol === undefined ? [] : ['match', 'ip', 'protocol', String(match.ipProtocol), '0xff']),
    ...port('sport', match.sourcePort),
    ...port('dport', match.destinationPort),
  ];
  const hook = isClassless(parent) ? [parent] : ['parent', parent];
  const select = ['u32', ...(matches.length > 0 ? matches : ['match', 'u32', '0', '0'])];
  const nat = [
    'action',
    'nat',
    action.direction,
    turned(action.old, action.direction === 'egress' ? match.source : match.destination),
    action.new,
  ];
  return ['tc', 'filter', 'add', 'dev', link, ...hook, 'protocol', protocol, 'prio', String(priority), ...select, ...nat];
}
