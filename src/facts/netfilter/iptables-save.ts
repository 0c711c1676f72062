import type {
  Family,
  FirewallAction,
  FirewallChain,
  FirewallMatch,
  FirewallRule,
  FirewallSource,
  FirewallTable,
  Hook,
} from '../../types.js';
import { generalMatches, moduleMatches } from './iptables-matches.js';
import { targetAction } from './iptables-targets.js';
import { type RuleOption, readOptions } from './iptables-words.js';

const hooks = new Map<string, Hook>([
  ['PREROUTING', 'prerouting'],
  ['INPUT', 'input'],
  ['FORWARD', 'forward'],
  ['OUTPUT', 'output'],
  ['POSTROUTING', 'postrouting'],
]);

/** enum nf_ip_hook_priorities; nat has two, by the side it rewrites. */
const priorities = new Map([
  ['raw', -300],
  ['mangle', -150],
  ['filter', 0],
  ['security', 50],
]);

interface OpenChain {
  policy: string;
  policyPackets?: number;
  rules: FirewallRule[];
}

interface OpenTable {
  name: string;
  chains: Map<string, OpenChain>;
}

/**
 * Reads what `iptables-save -c` or `ip6tables-save -c` prints; both back ends print the same syntax.
 * Lines that are neither table, chain nor rule are skipped, as iptables-restore skips comments.
 */
export function parseIptablesSave(text: string, about: { source: FirewallSource; family: Family }): FirewallTable[] {
  const tables: OpenTable[] = [];
  for (const line of text.split('\n')) {
    const table = tables.at(-1);
    if (line.startsWith('*')) tables.push({ name: line.slice(1).trim(), chains: new Map() });
    else if (!table) continue;
    else if (line.startsWith(':')) {
      const [name = '', policy = '-', count = ''] = line.slice(1).split(' ');
      const packets = /^\[(\d{1,20}):/.exec(count)?.[1];
      table.chains.set(name, { policy, ...(packets === undefined ? {} : { policyPackets: Number(packets) }), rules: [] });
    } else readRule(line, table, about.family);
  }
  return tables.map(({ name, chains }) => ({
    source: about.source,
    family: about.family === 4 ? 'ip' : 'ip6',
    name,
    chains: [...chains].map(([chain, content]) => toChain(name, chain, content)),
    sets: {},
  }));
}

function readRule(line: string, table: OpenTable, family: Family): void {
  const found = /^(?:\[(\d{1,20}):\d{1,20}\] )?-A (\S+) ?(.*)$/.exec(line);
  if (!found) return;
  const [, packets, chain = '', rest = ''] = found;
  const text = `-A ${chain}${rest === '' ? '' : ` ${rest}`}`;
  table.chains
    .get(chain)
    ?.rules.push({ text, ...(packets === undefined ? {} : { packets: Number(packets) }), steps: readSteps(rest, table, family) });
}

/** A rule's options fall into general ones, one group for each `-m`, and the target's: in this order, which iptables-save keeps. */
function readSteps(rest: string, table: OpenTable, family: Family): (FirewallMatch | FirewallAction)[] {
  const general: RuleOption[] = [];
  const modules: { name: string; options: RuleOption[] }[] = [];
  let target: { name: string; goto: boolean; options: RuleOption[] } | undefined;
  for (const option of readOptions(rest)) {
    if (target) target.options.push(option);
    else if (option.name === '-j' || option.name === '-g') target = { name: option.args[0] ?? '', goto: option.name === '-g', options: [] };
    else if (option.name === '-m') modules.push({ name: option.args[0] ?? '', options: [] });
    else if (option.name.startsWith('--')) (modules.at(-1)?.options ?? general).push(option);
    else general.push(option);
  }
  return [
    ...generalMatches(general, family),
    ...modules.flatMap(({ name, options }) => moduleMatches(name, options, family)),
    ...(target ? [action(target, table)] : []),
  ];
}

function action(
  { name, goto, options }: { name: string; goto: boolean; options: readonly RuleOption[] },
  table: OpenTable,
): FirewallAction {
  if (goto) return { do: 'goto', chain: name };
  return table.chains.has(name) ? { do: 'jump', chain: name } : targetAction(name, options);
}

function toChain(table: string, name: string, { policy, policyPackets, rules }: OpenChain): FirewallChain {
  const hook = policy === '-' ? undefined : hooks.get(name);
  if (!hook) return { name, rules };
  // Source NAT happens in POSTROUTING and, for local traffic, in INPUT (NF_IP_PRI_NAT_SRC).
  const natPriority = hook === 'postrouting' || hook === 'input' ? 100 : -100;
  const type = table === 'nat' ? 'nat' : table === 'mangle' && hook === 'output' ? 'route' : 'filter';
  const priority = table === 'nat' ? natPriority : (priorities.get(table) ?? 0);
  return {
    name,
    base: { hook, priority, type },
    policy: policy === 'DROP' ? 'drop' : 'accept',
    ...(policyPackets === undefined ? {} : { policyPackets }),
    rules,
  };
}
