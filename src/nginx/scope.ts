import type { Directive } from '../types.js';

/** The blocks around a directive, outermost (http or stream) first: the levels at which nginx looks for an inherited value. */
export type Scope = readonly Directive[];

/** The directive that decides at the innermost level, as nginx inherits single values. */
export function inherited(scope: Scope, name: string): Directive | undefined {
  for (let i = scope.length - 1; i >= 0; i--) {
    const found = scope[i]?.block?.find((directive) => directive.name === name);
    if (found) return found;
  }
  return undefined;
}

/** Array-like directives (proxy_set_header, error_log) come from the innermost level that has any, all or nothing. */
export function inheritedAll(scope: Scope, name: string): readonly Directive[] {
  for (let i = scope.length - 1; i >= 0; i--) {
    const found = scope[i]?.block?.filter((directive) => directive.name === name) ?? [];
    if (found.length > 0) return found;
  }
  return [];
}

/** Blocks of a name among directives. */
export function blocksNamed(directives: readonly Directive[], name: string): readonly Directive[] {
  return directives.filter((directive) => directive.name === name && directive.block);
}

/** Every directive of a name below a block, with its scope; the block itself is the outermost level. */
export function* descendants(block: Directive, name: string, scope: Scope = []): Generator<{ directive: Directive; scope: Scope }> {
  const inside = [...scope, block];
  for (const directive of block.block ?? []) {
    if (directive.name === name) yield { directive, scope: inside };
    if (directive.block) yield* descendants(directive, name, inside);
  }
}
