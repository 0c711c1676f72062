import { entry, get, isObject, type Json, list, unwrap } from './nft-json.js';
import { rewritesOwnKey } from './nft-statements.js';
import { keyParts } from './nft-values.js';

/** A rule set that spells out more than this is not expanded. */
const maximalElements = 20_000;

/**
 * A rule with a verdict map or value map as the rules it stands for, one for each element.
 * A map that cannot be spelled out leaves one rule that says so.
 */
export function expandMaps(
  statements: readonly Json[],
  elementsOf: (data: Json) => readonly Json[] | undefined,
): readonly (readonly Json[])[] {
  const at = statements.findIndex((statement) => findMap(statement) !== undefined && !rewritesOwnKey(statement));
  const statement = statements[at];
  const map = findMap(statement);
  if (statement === undefined || !map) return [statements];
  const [before, after] = [statements.slice(0, at), statements.slice(at + 1)];
  const elements = elementsOf(get(map, 'data'));
  const pairs = elements?.map((element) => list(element));
  if (!pairs || pairs.length > maximalElements || pairs.some((pair) => pair.length !== 2 || unwrap(pair[0]) === '*')) {
    return [[...before, { unreadable: get(statement, 'vmap') === undefined ? 'map' : 'vmap' }, ...after]];
  }
  const conditions = before.filter((entry) => get(entry, 'match') !== undefined);
  // What stands before the map and is no match happens once, in a rule of its own.
  const prologue = conditions.length === before.length ? [] : [before];
  const expanded = pairs.map(([key, value]) => [
    ...conditions,
    ...comparisons(get(map, 'key'), key),
    substitute(statement, value),
    ...after,
  ]);
  return [...prologue, ...expanded];
}

function comparisons(keyExpression: Json, key: Json): Json[] {
  const [fields, values] = [keyParts(keyExpression), keyParts(key)];
  return fields.map((left, index) => ({ match: { op: '==', left, right: unwrap(values[index]) } }));
}

function findMap(statement: Json): Json {
  const [kind, content] = entry(statement) ?? [];
  if (kind === 'vmap') return content;
  if (!isObject(content)) return undefined;
  return Object.values(content)
    .map((value) => get(value, 'map'))
    .find((map) => map !== undefined);
}

/** The statement with the map replaced by one of its values. */
function substitute(statement: Json, value: Json): Json {
  const [kind, content] = entry(statement) ?? ['', undefined];
  if (kind === 'vmap') return value;
  if (!isObject(content)) return statement;
  return {
    [kind]: Object.fromEntries(
      Object.entries(content).map(([key, inner]) => [key, get(inner, 'map') === undefined ? inner : unwrap(value)]),
    ),
  };
}
