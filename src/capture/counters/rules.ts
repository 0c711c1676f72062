import * as iptablesLegacy from '../../facts/iptables-legacy.js';
import * as iptablesNft from '../../facts/iptables-nft.js';
import { get, type Json, list, text } from '../../facts/netfilter/nft-json.js';
import * as nft from '../../facts/nft.js';
import * as trafficControl from '../../facts/traffic-control.js';
import { combineTables, describeRule } from '../../path/firewall.js';
import type { Fact, FirewallChain, FirewallRule, FirewallTable, Host, TcFilter } from '../../types.js';
import type { Counter } from './counter.js';

/** Rules and filters of one host, at most. */
const mostRules = 20_000;

/** Where a counter is, in words, and the counter. */
type Placed = [place: readonly string[], counter: Counter];

/** What rules, filters and queueing disciplines have counted, by a key that is another one once the rule has changed. */
export async function readRuleCounters(host: Host): Promise<{ counters: [string, Counter][]; unread: string[] }> {
  const qdiscs = host({ run: ['tc', '-s', '-j', 'qdisc', 'show'] });
  const [legacy, ofNft, nftables, tc] = await Promise.all([
    iptablesLegacy.read(host),
    iptablesNft.read(host),
    nft.read(host),
    trafficControl.read(host),
  ]);
  const tables = combineTables(valueIn(legacy) ?? [], valueIn(ofNft) ?? [], valueIn(nftables) ?? []);
  const queues = await qdiscs;
  return {
    counters: withKeys([
      ...tables.flatMap(ofTable).slice(0, mostRules),
      ...(valueIn(tc)?.filters ?? []).flatMap(ofFilter).slice(0, mostRules),
      ...qdiscDrops(queues.ok && !queues.truncated ? queues.text : ''),
    ]),
    unread: [legacy, ofNft, nftables, tc].flatMap((fact) => (fact.ok ? [] : [fact.why])),
  };
}

function valueIn<T>(fact: Fact<T>): T | undefined {
  return fact.ok ? fact.value : undefined;
}

/** Equal rules of one chain are told apart by their order, which another rule above them does not change. */
function withKeys(placed: readonly Placed[]): [string, Counter][] {
  const seen = new Map<string, number>();
  return placed.map(([place, counter]) => {
    const key = place.join('\n');
    const order = seen.get(key) ?? 0;
    seen.set(key, order + 1);
    return [`${key}\n${order}`, counter];
  });
}

function ofTable(table: FirewallTable): Placed[] {
  return table.chains.flatMap((chain) => [
    ...onceEach(chain.rules).flatMap((rule) => ofRule(table, chain, rule)),
    ...ofPolicy(table, chain),
  ]);
}

/** A rule of nft that looks something up in a map is several to the model. */
function onceEach(rules: readonly FirewallRule[]): FirewallRule[] {
  return rules.filter(({ handle }, at) => handle === undefined || handle !== rules[at - 1]?.handle);
}

function ofRule(table: FirewallTable, chain: FirewallChain, rule: FirewallRule): Placed[] {
  if (!isCount(rule.packets)) return [];
  return [[[...placeOf(table, chain), 'rule', String(rule.handle ?? ''), rule.text], counterOf(table, chain, rule.packets, rule)]];
}

/** What came to the end of a chain that accepts is no news. */
function ofPolicy(table: FirewallTable, chain: FirewallChain): Placed[] {
  if (chain.policy !== 'drop' || !isCount(chain.policyPackets)) return [];
  return [[[...placeOf(table, chain), 'policy'], counterOf(table, chain, chain.policyPackets)]];
}

function placeOf(table: FirewallTable, chain: FirewallChain): string[] {
  return [table.source, table.family, table.name, chain.name];
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** In the words by which predicted steps name what decided them. */
function counterOf(table: FirewallTable, chain: FirewallChain, value: number, rule?: FirewallRule): Counter {
  const { what, source } = describeRule(table, chain, rule);
  return { name: what, value, source, kind: 'rule' };
}

function ofFilter({ link, parent, packets, text: name }: TcFilter): Placed[] {
  if (!isCount(packets)) return [];
  const source = `tc filter show dev ${link}${parent === 'ingress' ? ' ingress' : ''}`;
  return [[['tc', link, parent, name], { name, value: packets, source, kind: 'rule' }]];
}

/** What queueing disciplines dropped, of `tc -s -j qdisc show`. */
export function qdiscDrops(json: string): Placed[] {
  return readList(json).flatMap((item): Placed[] => {
    const [link, kind, handle = '', parent = ''] = ['dev', 'kind', 'handle', 'parent'].map((key) => text(get(item, key)));
    const drops = get(item, 'drops');
    if (link === undefined || kind === undefined || !isCount(drops)) return [];
    const name = `${link} qdisc ${kind} ${handle} dropped`;
    return [[['qdisc', link, kind, handle, parent], { name, value: drops, source: `tc -s qdisc show dev ${link}`, kind: 'event' }]];
  });
}

function readList(json: string): readonly Json[] {
  try {
    return list(JSON.parse(json));
  } catch {
    return [];
  }
}
