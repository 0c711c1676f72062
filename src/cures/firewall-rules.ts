import { readOptions } from '../facts/netfilter/iptables-words.js';
import type { Cure, Family, FirewallChain, FirewallRule, FirewallTable, Snapshot } from '../types.js';
import { combine } from './combine.js';
import { addIptablesRule, merge } from './iptables.js';
import { markedRule } from './nft-undo.js';
import { persistFirewallRule } from './persistence.js';
import { commandLine } from './shell.js';
import { withFact } from './snapshot.js';

/** A chain in its table. */
export interface ChainPlace {
  table: FirewallTable;
  chain: FirewallChain;
}

/** Packets that a rule lets pass; what is absent is not looked at. Addresses are single ones or prefixes. */
export interface Admission {
  family: Family;
  in?: string;
  out?: string;
  /** 6 or 17. */
  protocol?: number;
  sources?: readonly string[];
  destinations?: readonly string[];
  sourcePort?: number;
  destinationPort?: number;
  mark?: number;
}

const factOfSource = { 'iptables-legacy': 'iptablesLegacy', 'iptables-nft': 'iptablesNft', nft: 'nft' } as const;

/** Puts a rule that accepts some packets before all others of a base chain: a drop, mark or translation in that chain no longer meets them. */
export function admitFirst(snapshot: Snapshot, place: ChainPlace, admission: Admission, why: string): Cure {
  const { table, chain } = place;
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
  const marked = markedRule({ family: table.family, table: table.name, chain: chain.name }, `${nftMatches(admission)} accept`);
  const rule: FirewallRule = { text: marked.text, steps: [...stepsOf(admission), { do: 'accept' }] };
  const added = { ...table, chains: [{ ...chain, rules: [rule] }] };
  return {
    host: snapshot.host,
    steps: [
      {
        host: snapshot.host,
        kind: 'command',
        run: commandLine('nft', `insert rule ${table.family} ${table.name} ${chain.name} ${rule.text}`),
        undo: marked.undo,
        persist: `at the top of this chain: ${persistFirewallRule(snapshot, 'nft', admission.family)}`,
        why,
      },
    ],
    apply: (before) => withFact(before, 'nft', (tables) => merge(tables, added, 'start')),
  };
}

function protocolName(protocol: number | undefined): 'tcp' | 'udp' {
  return protocol === 17 ? 'udp' : 'tcp';
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function iptablesMatches(admission: Admission): string[] {
  const { sources = [], destinations = [], protocol, sourcePort, destinationPort, mark } = admission;
  const name = protocolName(protocol);
  const option = (flag: string, value: string | undefined) => (value === undefined || value === '' ? [] : [flag, value]);
  return [
    ...option('-i', admission.in),
    ...option('-o', admission.out),
    ...option('-s', sources.join(',')),
    ...option('-d', destinations.join(',')),
    ...(protocol === undefined ? [] : ['-p', name]),
    ...(sourcePort === undefined && destinationPort === undefined ? [] : ['-m', name]),
    ...option('--sport', sourcePort?.toString()),
    ...option('--dport', destinationPort?.toString()),
    ...(mark === undefined ? [] : ['-m', 'mark', '--mark', hex(mark)]),
  ];
}

function nftMatches(admission: Admission): string {
  const { family, sources = [], destinations = [], protocol, sourcePort, destinationPort, mark } = admission;
  const ip = family === 4 ? 'ip' : 'ip6';
  const name = protocolName(protocol);
  const among = (values: readonly string[]) => (values.length > 1 ? `{ ${values.join(', ')} }` : values[0]);
  return [
    ...(admission.in === undefined ? [] : [`iifname "${admission.in}"`]),
    ...(admission.out === undefined ? [] : [`oifname "${admission.out}"`]),
    ...(sources.length === 0 ? [] : [`${ip} saddr ${among(sources)}`]),
    ...(destinations.length === 0 ? [] : [`${ip} daddr ${among(destinations)}`]),
    ...(sourcePort === undefined ? [] : [`${name} sport ${sourcePort}`]),
    ...(destinationPort === undefined ? [] : [`${name} dport ${destinationPort}`]),
    ...(mark === undefined ? [] : [`meta mark ${hex(mark)}`]),
  ].join(' ');
}

function stepsOf(admission: Admission): FirewallRule['steps'] {
  const { sources = [], destinations = [], protocol = 6, sourcePort, destinationPort, mark } = admission;
  const addresses = (side: 'source' | 'destination', values: readonly string[]) =>
    values.length === 0 ? [] : [{ match: 'address', side, not: false, among: values.map((value) => [value, value] as const) } as const];
  const port = (side: 'source' | 'destination', value: number | undefined) =>
    value === undefined ? [] : [{ match: 'port', side, not: false, among: [[value, value]], ipProtocols: [protocol] } as const];
  const link = (side: 'in' | 'out', name: string | undefined) =>
    name === undefined ? [] : [{ match: 'interface', side, not: false, among: [name] } as const];
  return [
    ...link('in', admission.in),
    ...link('out', admission.out),
    ...addresses('source', sources),
    ...addresses('destination', destinations),
    ...port('source', sourcePort),
    ...port('destination', destinationPort),
    ...(mark === undefined ? [] : [{ match: 'mark', of: 'packet', not: false, value: mark, mask: 0xffffffff } as const]),
  ];
}

/** Takes a rule out. Undefined where the tool cannot name it: a rule of nft whose handle is not known. */
export function removeRule(snapshot: Snapshot, { table, chain }: ChainPlace, rule: FirewallRule, why: string): Cure | undefined {
  const run = removal(table, chain, rule);
  if (run === undefined) return undefined;
  return {
    host: snapshot.host,
    steps: [{ host: snapshot.host, kind: 'command', ...run, why }],
    apply: (before) =>
      withFact(before, factOfSource[table.source], (tables) =>
        tables.map((each) =>
          each.family === table.family && each.name === table.name
            ? { ...each, chains: each.chains.map((one) => (one.name === chain.name ? { ...one, rules: without(one.rules, rule) } : one)) }
            : each,
        ),
      ),
  };
}

/** The first that reads like it: earlier cures may have made a copy of the table. */
function without(rules: readonly FirewallRule[], rule: FirewallRule): FirewallRule[] {
  const at = rules.includes(rule)
    ? rules.indexOf(rule)
    : rules.findIndex(({ text, handle }) => text === rule.text && handle === rule.handle);
  return rules.filter((_, index) => index !== at);
}

/** Matches and target of a rule as iptables-save prints it, one word each. */
function ruleWords(chain: FirewallChain, rule: FirewallRule): string[] | undefined {
  const [append, ...options] = readOptions(rule.text);
  if (append?.name !== '-A' || append.args[0] !== chain.name) return undefined;
  return options.flatMap((option) => [...(option.not ? ['!'] : []), option.name, ...option.args]);
}

/** Puts a rule of the legacy back end into the nft back end, at the end of the same chain. Undefined where its words cannot be told. */
export function moveToNft(snapshot: Snapshot, { table, chain }: ChainPlace, rule: FirewallRule, why: string): Cure | undefined {
  const words = ruleWords(chain, rule);
  const removed = removeRule(snapshot, { table, chain }, rule, why);
  if (!words || !removed) return undefined;
  const family = table.family === 'ip6' ? 6 : 4;
  const added = addIptablesRule(snapshot, {
    frontEnd: 'iptables-nft',
    family,
    table: table.name,
    chain: chain.name,
    words,
    at: 'end',
    why,
  });
  return combine(snapshot.host, [added, removed]);
}

function removal(
  table: FirewallTable,
  chain: FirewallChain,
  rule: FirewallRule,
): { run: string; undo?: string; persist: string } | undefined {
  const persist = 'take the same rule out of what loads the rules at boot';
  if (table.source === 'nft') {
    if (rule.handle === undefined) return undefined;
    return { run: commandLine('nft', `delete rule ${table.family} ${table.name} ${chain.name} handle ${rule.handle}`), persist };
  }
  const rest = ruleWords(chain, rule);
  if (!rest) return undefined;
  const { name } = chain;
  const tool = table.family === 'ip6' ? table.source.replace('iptables', 'ip6tables') : table.source;
  const command = (verb: string) => commandLine(tool, '-t', table.name, verb, name, ...rest);
  return { run: command('-D'), undo: command('-A'), persist };
}
