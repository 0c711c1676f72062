import type { Directive } from '../types.js';

/** The blocks around a directive, outermost (http or stream) first: the levels at which nginx looks for an inherited value. */
export type Scope = readonly Directive[];

/** What each block holds, by name: a large configuration is asked some ten things for each of its thousands of locations. */
const contents = new WeakMap<Directive, ReadonlyMap<string, readonly Directive[]>>();

function groupByName(directives: readonly Directive[]): ReadonlyMap<string, readonly Directive[]> {
  const byName = new Map<string, Directive[]>();
  for (const directive of directives) {
    const namesakes = byName.get(directive.name);
    if (namesakes) namesakes.push(directive);
    else byName.set(directive.name, [directive]);
  }
  return byName;
}

/** The directives of a name that stand in a block itself, in order. */
export function within(block: Directive, name: string): readonly Directive[] {
  const byName = contents.get(block) ?? groupByName(block.block ?? []);
  contents.set(block, byName);
  return byName.get(name) ?? [];
}

/** Blocks of a name among directives. */
export function blocksWithin(block: Directive, name: string): readonly Directive[] {
  return within(block, name).filter((directive) => directive.block);
}

/** Array-like directives (proxy_set_header, error_log) come from the innermost level that has any, all or nothing. */
export function inheritedAll(scope: Scope, name: string): readonly Directive[] {
  const level = scope.findLast((block) => within(block, name).length > 0);
  return level ? within(level, name) : [];
}

/** The directive that decides at the innermost level, as nginx inherits single values; written twice, nginx would refuse it. */
export function inherited(scope: Scope, name: string): Directive | undefined {
  return inheritedAll(scope, name)[0];
}

/** Every directive of a name below a block, with its scope; `around` are the blocks outside that block. */
export function* descendants(block: Directive, name: string, around: Scope = []): Generator<{ directive: Directive; scope: Scope }> {
  const scope = [...around, block];
  for (const directive of block.block ?? []) {
    if (directive.name === name) yield { directive, scope };
    if (directive.block) yield* descendants(directive, name, scope);
  }
}
