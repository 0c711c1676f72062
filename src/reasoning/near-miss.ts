import { evaluate } from '../path/firewall.js';
import { firewallOf } from '../path/hooks.js';
import type { Case, FirewallChain, FirewallMatch, FirewallRule, FirewallTable, Hook, Packet, Walk } from '../types.js';
import type { Broken } from './broken.js';

/** A rule that sets a mark and was meant for these replies, but does not reach them. */
export interface NearMiss {
  table: FirewallTable;
  chain: FirewallChain;
  rule: FirewallRule;
  /** What keeps it from matching, for a sentence: `its source port`. */
  misses: string;
}

interface Reply {
  packet: Packet;
  in: string | undefined;
}

/** The mark rule of a host that was meant for a reply: it fits in all but one field, sits in the wrong place, and serves no other service. */
export function findNearMiss(c: Case, { walk, step }: Broken): NearMiss | undefined {
  const firewall = firewallOf(c.snapshots.get(step.host));
  if ('missing' in firewall) return undefined;
  const reply: Reply = { packet: { ...step.packet, mark: 0 }, in: step.in };
  const others = c.walks.filter((other) => other.service.host === step.host && other.service.id !== walk.service.id);
  for (const { table, chain, rule } of markRules(firewall.tables, step.packet.family)) {
    const misses = whatMisses(table, chain, rule, reply);
    if (misses !== undefined && !others.some((other) => serves(table, rule, other))) return { table, chain, rule, misses };
  }
  return undefined;
}

function markRules(tables: readonly FirewallTable[], family: 4 | 6): { table: FirewallTable; chain: FirewallChain; rule: FirewallRule }[] {
  return tables
    .filter((table) => table.family === 'inet' || table.family === (family === 4 ? 'ip' : 'ip6'))
    .flatMap((table) => table.chains.flatMap((chain) => chain.rules.map((rule) => ({ table, chain, rule }))))
    .filter(({ rule }) => rule.steps.some((step) => 'do' in step && (step.do === 'mark' || step.do === 'tproxy')));
}

function matchesOf(rule: FirewallRule): FirewallMatch[] {
  return rule.steps.filter((step): step is FirewallMatch => 'match' in step);
}

const fieldNames: Partial<Record<FirewallMatch['match'], string>> = {
  address: 'its address',
  port: 'its port',
  protocol: 'its protocol',
  interface: 'its interface',
  state: 'its connection state',
  'tcp-flags': 'its TCP flags',
  mark: 'the mark it asks for',
};

function whatMisses(table: FirewallTable, chain: FirewallChain, rule: FirewallRule, reply: Reply): string | undefined {
  const matches = matchesOf(rule);
  const failing = failingMatches(table, matches, reply);
  const passing = matches.filter((match) => !failing.includes(match));
  const specific = passing.some((match) => match.match === 'address' || match.match === 'port');
  if (failing.length === 0) {
    const misplaced = chain.base && chain.base.hook !== 'prerouting';
    return specific
      ? `its place: chain ${chain.name} ${misplaced ? 'is not in prerouting' : 'is left before it or never reached'}`
      : undefined;
  }
  const [only, ...rest] = failing;
  if (!only || rest.length > 0 || (chain.base && chain.base.hook !== 'prerouting')) return undefined;
  const meantForReplies = specific || (only.match === 'port' && passing.some((match) => match.match === 'protocol'));
  return meantForReplies ? (fieldNames[only.match] ?? 'one of its matches') : undefined;
}

/** Matches that do not hold. A port match that fails only because the protocol does is not counted again. */
function failingMatches(table: FirewallTable, matches: readonly FirewallMatch[], reply: Reply): FirewallMatch[] {
  const failing = matches.filter((match) => !holds(table, match, reply));
  const wrongProtocol = failing.some((match) => match.match === 'protocol');
  return failing.filter((match) => {
    if (!wrongProtocol || match.match !== 'port') return true;
    return !holds(table, { ...match, ipProtocols: [reply.packet.protocol] }, reply);
  });
}

/** Asks the evaluator about one match alone, by a chain that drops what it matches. */
function holds(table: FirewallTable, match: FirewallMatch, { packet, in: link }: Reply): boolean {
  const chain: FirewallChain = {
    name: 'probe',
    base: { hook: 'prerouting', priority: 0, type: 'filter' },
    policy: 'accept',
    rules: [{ text: '', steps: [match, { do: 'drop' }] }],
  };
  const outcomes = evaluate([{ ...table, chains: [chain] }], 'prerouting' satisfies Hook, packet, {
    ...(link === undefined ? {} : { in: link }),
    state: 'established',
    socket: 'transparent',
    firstOfConnection: false,
    addressType: () => undefined,
  });
  return outcomes.some((outcome) => outcome.verdict === 'drop');
}

/** Whether a rule marks replies of another walk. */
function serves(table: FirewallTable, rule: FirewallRule, walk: Walk): boolean {
  if (walk.upstream.address === undefined) return false;
  const forward = walk.steps.find((step) => step.leg === 'forward' && step.host === walk.service.host && step.out !== undefined);
  const packet: Packet = {
    family: walk.upstream.family ?? 4,
    protocol: walk.service.protocol === 'udp' ? 17 : 6,
    source: walk.upstream.address,
    destination: walk.client,
    sourcePort: walk.upstream.port,
    destinationPort: forward?.packet.sourcePort ?? 40_001,
    mark: 0,
    ...(walk.service.protocol === 'udp' ? {} : { tcpFlags: 18 }),
  };
  const family = packet.family === 4 ? 'ip' : 'ip6';
  if (table.family !== 'inet' && table.family !== family) return false;
  return failingMatches(table, matchesOf(rule), { packet, in: forward?.out }).length === 0;
}
