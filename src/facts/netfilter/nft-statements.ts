import { canonical, isAddress } from '../../net/address.js';
import type { FirewallAction, FirewallMatch } from '../../types.js';
import { entry, get, type Json, list, number, text, unwrap } from './nft-json.js';
import { markSteps } from './nft-marks.js';
import { type KeepSet, readMatch } from './nft-match.js';
import { select } from './nft-selectors.js';
import { expressionText, statementText } from './nft-text.js';

type Step = FirewallMatch | FirewallAction;

/** Statements that turn nothing about the packet's way. */
const harmless = new Set('log dup flow last secmark comment'.split(' '));
const harmlessPrefixes = /^ct (?:helper|timeout|expectation)$/;

/** One nft statement as steps. `maps` gives a named map's elements. */
export function readStatement(statement: Json, keepSet: KeepSet, mapElements: (data: Json) => readonly Json[] | undefined): Step[] {
  const [kind, content] = entry(statement) ?? [typeof statement === 'string' ? statement : '', undefined];
  const description = statementText(statement);
  switch (kind) {
    case 'match':
      return readMatch(content, keepSet);
    case 'accept':
    case 'drop':
    case 'return':
    case 'notrack':
    case 'masquerade':
    case 'redirect':
      return [{ do: kind }];
    case 'continue':
    case 'counter':
      return [];
    case 'jump':
    case 'goto':
      return [{ do: kind, chain: text(get(content, 'target')) ?? '' }];
    case 'reject':
      return [{ do: 'reject', with: description.replace(/^reject(?: with )?/, '') || 'icmp port-unreachable' }];
    case 'snat':
    case 'dnat':
      return [...familyOf(content), withTarget(kind, content)];
    case 'tproxy':
      return [...familyOf(content), tproxy(content)];
    case 'mangle':
      return mangle(content, description, mapElements);
    case 'set':
      // `add @meter { ip saddr limit rate … }` also decides.
      return get(content, 'stmt') === undefined ? [{ do: 'nothing', text: description }] : [{ match: 'unknown', text: description }];
    case 'limit':
    case 'quota':
    case 'ct count':
    case 'meter':
      return [{ match: 'unknown', text: description }];
    case 'xt':
      return get(content, 'type') === 'match' ? [{ match: 'unknown', text: description }] : [{ do: 'unknown', text: description }];
    default:
      return harmless.has(kind) || harmlessPrefixes.test(kind)
        ? [{ do: 'nothing', text: description }]
        : [{ do: 'unknown', text: description }];
  }
}

/** In an inet table `snat ip to …` is for IPv4 only. */
function familyOf(content: Json): FirewallMatch[] {
  const family = get(content, 'family');
  return family === 'ip' || family === 'ip6' ? [{ match: 'family', not: false, family: family === 'ip' ? 4 : 6 }] : [];
}

function withTarget(kind: 'snat' | 'dnat', content: Json): FirewallAction {
  const [address, port] = [get(content, 'addr'), get(content, 'port')];
  if (address === undefined) return { do: kind };
  const host = expressionText(get(address, 'concat') === undefined ? address : list(get(address, 'concat'))[0]);
  const service = port ?? list(get(address, 'concat'))[1];
  return { do: kind, to: service === undefined ? host : `${host.includes(':') ? `[${host}]` : host}:${expressionText(service)}` };
}

function tproxy(content: Json): FirewallAction {
  const [to, port] = [text(get(content, 'addr')), number(get(content, 'port'))];
  return { do: 'tproxy', ...(to === undefined ? {} : { to }), ...(port === undefined ? {} : { port }) };
}

function mangle(content: Json, description: string, mapElements: (data: Json) => readonly Json[] | undefined): Step[] {
  const [key, value] = [get(content, 'key'), get(content, 'value')];
  const { selector, implied } = select(key);
  if (selector.of === 'mark') return markSteps(selector.holder, value) ?? [{ do: 'unknown', text: description }];
  if (selector.of !== 'address' && selector.of !== 'port') return [{ do: 'nothing', text: description }];
  const field = `${selector.side}-${selector.of}` as const;
  const data = get(value, 'map');
  const map = data === undefined ? undefined : literalMap(mapElements(get(data, 'data')));
  if (data !== undefined) return [...implied, map ? { do: 'rewrite', field, map } : { do: 'unknown', text: description }];
  const to = typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  return [...implied, to === undefined ? { do: 'unknown', text: description } : { do: 'rewrite', field, to }];
}

/** A map from single addresses or ports; undefined when it holds ranges. */
function literalMap(elements: readonly Json[] | undefined): Readonly<Record<string, string>> | undefined {
  const pairs = elements?.map((element) => list(element).map((part) => plainValue(part)));
  if (!pairs?.every((pair) => pair.length === 2 && pair.every((part) => part !== undefined))) return undefined;
  return Object.fromEntries(pairs.map(([from = '', to = '']) => [from, to]));
}

function plainValue(value: Json): string | undefined {
  const bare = unwrap(value);
  if (typeof bare === 'number') return String(bare);
  return typeof bare === 'string' && isAddress(bare) ? canonical(bare) : undefined;
}

/** A map that rewrites its own key is one step: its elements must not see each other's results. */
export function rewritesOwnKey(statement: Json): boolean {
  const mangled = get(statement, 'mangle');
  const key = get(mangled, 'value', 'map', 'key');
  if (key === undefined || JSON.stringify(key) !== JSON.stringify(get(mangled, 'key'))) return false;
  const { of } = select(key).selector;
  return of === 'address' || of === 'port';
}
