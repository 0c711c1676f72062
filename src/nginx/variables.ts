import type { Directive } from '../types.js';
import type { Scope } from './scope.js';
import { blocksNamed } from './scope.js';

/** The text with every constant variable replaced; what stays variable reads `${name}`. */
export type Expand = (text: string, scope: Scope) => string;

/** How deep variables may refer to one another; also what ends a cycle. */
const maximumDepth = 16;
/** Nobody writes longer addresses; doubling variables would. */
const maximumLength = 4096;

/** Reads the `map` blocks of an http or stream block. `set` is looked up in the scope of each use. */
export function variablesOf(context: Directive): Expand {
  const maps = new Map<string, string>();
  for (const map of blocksNamed(context.block ?? [], 'map')) {
    const name = variableName(map.args[1] ?? '');
    const value = constantOfMap(map);
    if (name && value !== undefined) maps.set(name, value);
  }
  const expand = (text: string, scope: Scope, depth: number): string => {
    const expanded = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? '';
      const value = depth > 0 ? (constantOfSet(name, scope) ?? maps.get(name)) : undefined;
      return value === undefined ? `\${${name}}` : expand(value, scope, depth - 1);
    });
    return expanded.slice(0, maximumLength);
  };
  return (text, scope) => expand(text, scope, maximumDepth);
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
  for (let i = scope.length - 1; i >= 0; i--) {
    const level = scope[i]?.block ?? [];
    const isSet = (directive: Directive): boolean => directive.name === 'set' && variableName(directive.args[0] ?? '') === name;
    const conditional = blocksNamed(level, 'if').some((block) => block.block?.some(isSet));
    if (conditional) return undefined;
    const last = level.filter(isSet).at(-1);
    if (last) return last.args[1];
  }
  return undefined;
}

function variableName(text: string): string | undefined {
  return /^\$(\w+)$/.exec(text)?.[1];
}
