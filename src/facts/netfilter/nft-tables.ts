import type { FirewallChain, FirewallRule, FirewallTable, Hook, SetElement } from '../../types.js';
import { entry, get, type Json, list, number, text, unwrap } from './nft-json.js';
import { expandMaps } from './nft-maps.js';
import { readStatement } from './nft-statements.js';
import { expressionText, statementText } from './nft-text.js';
import { keyPart, keyParts } from './nft-values.js';

const families = new Set<string>(['ip', 'ip6', 'inet', 'netdev', 'bridge', 'arp']);
const hooks = new Set<string>(['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress']);

/** One table with all that belongs to it, still as nft printed it. */
interface Contents {
  family: FirewallTable['family'];
  name: string;
  chains: Json[];
  rules: Map<string, Json[]>;
  sets: Map<string, Json>;
}

/** Reads what `nft -j list ruleset` prints (libnftables-json(5)). Throws when the text is not JSON. */
export function parseNft(json: string): FirewallTable[] {
  const tables = new Map<string, Contents>();
  const tableOf = (content: Json, name: Json) => tables.get(`${String(get(content, 'family'))} ${String(name)}`);
  for (const item of list(get(JSON.parse(json), 'nftables'))) {
    const [kind, content] = entry(item) ?? [];
    const [family, name] = [text(get(content, 'family')) ?? '', text(get(content, 'name'))];
    const table = tableOf(content, get(content, 'table'));
    if (kind === 'table' && isFamily(family) && name !== undefined)
      tables.set(`${family} ${name}`, { family, name, chains: [], rules: new Map(), sets: new Map() });
    else if (kind === 'chain') table?.chains.push(content);
    else if ((kind === 'set' || kind === 'map') && name !== undefined) table?.sets.set(name, content);
    else if (kind === 'rule') addRule(table, content);
  }
  return [...tables.values()].map(toTable);
}

function isFamily(text: string): text is FirewallTable['family'] {
  return families.has(text);
}

function isHook(text: string): text is Hook {
  return hooks.has(text);
}

function addRule(table: Contents | undefined, content: Json): void {
  const chain = text(get(content, 'chain'));
  if (!table || chain === undefined) return;
  const rules = table.rules.get(chain);
  if (rules) rules.push(content);
  else table.rules.set(chain, [content]);
}

function toTable({ family, name, chains, rules, sets }: Contents): FirewallTable {
  const kept = new Map([...sets].map(([set, content]) => [set, setElements(content)]));
  const keepSet = (elements: readonly SetElement[]) => {
    let anonymous = `__set${kept.size}`;
    while (kept.has(anonymous)) anonymous += '_';
    kept.set(anonymous, [...elements]);
    return anonymous;
  };
  const elementsOf = (data: Json) => {
    const reference = text(data);
    return reference === undefined
      ? list(get(data, 'set'))
      : sets.has(reference.slice(1))
        ? list(get(sets.get(reference.slice(1)), 'elem'))
        : undefined;
  };
  const readRule = (content: Json): FirewallRule[] => {
    const statements = list(get(content, 'expr'));
    const about = aboutRule(content, statements);
    return expandMaps(statements, elementsOf).map((expanded) => ({
      ...about,
      steps: expanded.flatMap((statement) => readStatement(statement, keepSet, elementsOf)),
    }));
  };
  const read = chains.map((chain) => toChain(chain, (rules.get(text(get(chain, 'name')) ?? '') ?? []).flatMap(readRule)));
  return { source: 'nft', family, name, chains: read, sets: Object.fromEntries(kept) };
}

function aboutRule(content: Json, statements: readonly Json[]): Omit<FirewallRule, 'steps'> {
  const comment = text(get(content, 'comment'));
  const handle = number(get(content, 'handle'));
  const packets = statements.map((statement) => number(get(statement, 'counter', 'packets'))).find((count) => count !== undefined);
  const words = statements
    .filter((statement) => packets === undefined || get(statement, 'counter', 'packets') === undefined)
    .map(statementText);
  return {
    text: [...words, ...(comment === undefined ? [] : [`comment "${comment}"`])].join(' '),
    ...(handle === undefined ? {} : { handle }),
    ...(packets === undefined ? {} : { packets }),
  };
}

function toChain(content: Json, rules: readonly FirewallRule[]): FirewallChain {
  const name = text(get(content, 'name')) ?? '';
  const hook = text(get(content, 'hook')) ?? '';
  if (!isHook(hook)) return { name, rules };
  const type = get(content, 'type');
  const devices = list(get(content, 'dev')).map(String);
  return {
    name,
    base: {
      hook,
      priority: number(get(content, 'prio')) ?? 0,
      type: type === 'nat' || type === 'route' ? type : 'filter',
      ...(devices.length > 0 ? { devices } : {}),
    },
    // Versions before 0.9.1 leave an accepting policy out.
    policy: get(content, 'policy') === 'drop' ? 'drop' : 'accept',
    rules,
  };
}

function setElements(content: Json): SetElement[] {
  const types = list(get(content, 'type')).map(text);
  const isMap = get(content, 'map') !== undefined;
  return list(get(content, 'elem')).map((element) => {
    const [key, value] = isMap ? list(element) : [element];
    const parts = keyParts(key).map((part, index) => keyPart(part, types[index]));
    return isMap ? { key: parts, value: valueText(value) } : { key: parts };
  });
}

function valueText(value: Json): string {
  return entry(value) ? statementText(value) : expressionText(unwrap(value));
}
