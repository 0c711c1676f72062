import { everything, network } from '../../net/prefix.js';
import type { Family, PolicyRule, Route } from '../../types.js';
import { isWild } from './shell-words.js';

/** How surely a boot file brings a piece of state back. `maybe`: what it says depends on what only its run would tell. */
export type Brings = 'yes' | 'maybe' | 'no';

/** Words of ip(8) for one rule or route, whoever wrote them. */
export interface IpStatement {
  object: 'rule' | 'route';
  /** Both when the file does not say. */
  families: readonly Family[];
  words: readonly string[];
}

const ruleKeys: ReadonlyMap<string, string> = new Map([
  ...['priority', 'preference', 'pref', 'prio', 'order'].map((word) => [word, 'priority'] as const),
  ...['table', 'lookup'].map((word) => [word, 'table'] as const),
  ...['fwmark', 'mark'].map((word) => [word, 'fwmark'] as const),
  ...['iif', 'dev'].map((word) => [word, 'iif'] as const),
  ...['from', 'to', 'oif', 'ipproto', 'sport', 'dport', 'suppress_prefixlength', 'protocol', 'tos', 'uidrange', 'goto', 'type'].map(
    (word) => [word, word] as const,
  ),
]);

/** Whether the words make this rule of the running kernel. A rule without priority gets one that depends on the others. */
export function bringsRule({ object, families, words }: IpStatement, rule: PolicyRule): Brings {
  if (object !== 'rule' || !families.includes(rule.family)) return 'no';
  const said = pairs(words, ruleKeys);
  const mask = rule.mask === undefined || rule.mask === 0xffffffff ? undefined : rule.mask;
  return all([
    compare(said.get('fwmark'), rule.mark === undefined ? undefined : [rule.mark, mask ?? 0xffffffff].join('/'), markText),
    compare(said.get('from'), rule.from, (text) => selector(text, rule.family)),
    compare(said.get('to'), rule.to, (text) => selector(text, rule.family)),
    compare(said.get('iif'), rule.iif),
    compare(said.get('oif'), rule.oif),
    compare(said.get('sport'), range(rule.sourcePort)),
    compare(said.get('dport'), range(rule.destinationPort)),
    said.has('priority') ? compare(said.get('priority'), String(rule.priority)) : 'yes',
    sameTable(said.get('table') ?? 'main', rule.table ?? 'main'),
    words.includes('not') === (rule.not ?? false) ? 'yes' : 'no',
    said.has('ipproto') === (rule.ipProtocol !== undefined) ? 'yes' : 'no',
  ]);
}

const routeKeys: ReadonlyMap<string, string> = new Map(
  ['via', 'dev', 'table', 'metric', 'src', 'proto', 'scope', 'mtu', 'type'].map((word) => [word, word]),
);
const routeTypes = new Set(['unicast', 'local', 'broadcast', 'blackhole', 'unreachable', 'prohibit', 'throw']);

/** Whether the words make this route. Next hops are compared where both name them; a device alone says nothing new. */
export function bringsRoute({ object, families, words }: IpStatement, route: Route): Brings {
  if (object !== 'route' || !families.includes(route.family)) return 'no';
  const said = pairs(words, routeKeys);
  const type = said.get('type') ?? words.find((word) => routeTypes.has(word)) ?? 'unicast';
  const to = words.find((word, i) => !routeTypes.has(word) && !routeKeys.has(words[i - 1] ?? '') && !routeKeys.has(word));
  const via = route.nextHops[0]?.via;
  return all([
    type === route.type ? 'yes' : 'no',
    compare(to ?? 'default', route.to, (text) => prefix(text, route.family)),
    via === undefined || !said.has('via') ? ((via === undefined) === !said.has('via') ? 'yes' : 'no') : compare(said.get('via'), via),
    sameTable(said.get('table') ?? (type === 'local' ? 'local' : 'main'), route.table),
  ]);
}

function all(parts: readonly Brings[]): Brings {
  if (parts.includes('no')) return 'no';
  return parts.includes('maybe') ? 'maybe' : 'yes';
}

function pairs(words: readonly string[], keys: ReadonlyMap<string, string>): Map<string, string> {
  const said = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const key = keys.get(words[at] ?? '');
    if (key === undefined) continue;
    at += 1;
    said.set(key, words[at] ?? '');
  }
  return said;
}

function compare(
  said: string | undefined,
  real: string | undefined,
  normal: (text: string) => string | undefined = (text) => text,
): Brings {
  if (said !== undefined && isWild(said)) return real === undefined ? 'no' : 'maybe';
  const [a, b] = [said, real].map((text) => (text === undefined ? undefined : normal(text)));
  return a === b ? 'yes' : 'no';
}

/** A table that one side calls by a name of /etc/iproute2/rt_tables and the other by its number may be the same. */
function sameTable(said: string, real: string): Brings {
  const fixed: Readonly<Record<string, string>> = { '254': 'main', '255': 'local', '253': 'default' };
  const name = Object.hasOwn(fixed, said) ? (fixed[said] ?? said) : said;
  if (name === real) return 'yes';
  if (isWild(said)) return 'maybe';
  const builtIn = ['main', 'local', 'default'];
  return /^\d+$/.test(name) !== /^\d+$/.test(real) && !builtIn.includes(name) && !builtIn.includes(real) ? 'maybe' : 'no';
}

function markText(text: string): string {
  const [mark = '', mask = '0xffffffff'] = text.split('/');
  return `${Number(mark)}/${Number(mask)}`;
}

/** A rule that selects everything is one that does not say. */
function selector(text: string, family: Family): string | undefined {
  const found = prefix(text, family);
  return found === everything(family) ? undefined : found;
}

/** `default`, `0/0`, an address without length. */
function prefix(text: string, family: Family): string {
  if (['default', 'all', 'any', '0/0', '::/0', '0.0.0.0/0', '0::/0'].includes(text)) return everything(family);
  return network(text) ?? text;
}

function range(ports: readonly [number, number] | undefined): string | undefined {
  if (ports === undefined) return undefined;
  return ports[0] === ports[1] ? String(ports[0]) : ports.join('-');
}
