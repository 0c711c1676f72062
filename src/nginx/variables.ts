import type { Directive } from '../types.js';
import type { Scope } from './scope.js';
import { blocksWithin, within } from './scope.js';

/** The text with every constant variable replaced; what stays variable reads `${name}`. */
export type Expand = (text: string, scope: Scope) => string;

/** How many variables one text may lead to: ends cycles, and variables that multiply. */
const mostReplacements = 100;
/** Nobody writes longer addresses. */
const maximumLength = 4096;

/** Reads the `map` blocks of an http or stream block. `set` is looked up in the scope of each use. */
export function variablesOf(context: Directive): Expand {
  const maps = new Map<string, string>();
  for (const map of blocksWithin(context, 'map')) {
    const name = variableName(map.args[1] ?? '');
    const value = constantOfMap(map);
    if (name && value !== undefined) maps.set(name, value);
  }
  return (text, scope) => {
    let left = mostReplacements;
    const expand = (part: string): string =>
      part.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
        const name = braced ?? bare ?? '';
        const value = left-- > 0 ? (constantOfSet(name, scope) ?? maps.get(name)) : undefined;
        return value === undefined ? `\${${name}}` : expand(value);
      });
    return expand(text).slice(0, maximumLength);
  };
}

/** A map is constant when whatever it is asked, it gives the same: only a default, or the same value everywhere. */
function constantOfMap(map: Directive): string | undefined {
  const flags = new Set(['hostnames', 'volatile']);
  const entries = (map.block ?? []).filter(({ name, args }) => !(args.length === 0 && flags.has(name)));
  const values = new Set(entries.map(({ args }) => args[0] ?? ''));
  // Without a default the value is empty where nothing matches.
  if (!entries.some(({ name }) => name === 'default')) values.add('');
  const [only] = values;
  return values.size === 1 ? only : undefined;
}

/** The rewrite phase runs the server's `set`s, then the location's: the innermost last one holds, unless an `if` decides. */
function constantOfSet(name: string, scope: Scope): string | undefined {
  const isSet = ({ args }: Directive): boolean => variableName(args[0] ?? '') === name;
  for (const level of scope.toReversed()) {
    if (blocksWithin(level, 'if').some((block) => within(block, 'set').some(isSet))) return undefined;
    const last = within(level, 'set').findLast(isSet);
    if (last) return last.args[1];
  }
  return undefined;
}

function variableName(text: string): string | undefined {
  return /^\$(\w+)$/.exec(text)?.[1];
}
