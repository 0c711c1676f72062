import type { ToldWalk } from '../../types.js';

/** Groups walks that differ only in the upstream: each group is told by its first. */
export function alike(walks: readonly ToldWalk[]): ToldWalk[][] {
  const groups: ToldWalk[][] = [];
  for (const walk of walks) {
    const group = groups.find(([first]) => first !== undefined && isAlike(first, walk));
    if (group) group.push(walk);
    else groups.push([walk]);
  }
  return groups;
}

function isAlike(a: ToldWalk, b: ToldWalk): boolean {
  const named = a.upstreamHost !== undefined && b.upstreamHost !== undefined;
  return named && a.service === b.service && a.proxy === b.proxy && same(a.hops, b.hops, namesOf(a), namesOf(b));
}

/** Longer names first, so that none is taken for a part of another. */
function namesOf({ upstream, upstreamHost = '' }: ToldWalk): string[] {
  const address = upstream.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return [address, upstreamHost];
}

/** Equal, or equal but for the names; a text may hold the names of all upstreams and then is the same for each. */
function same(a: unknown, b: unknown, namesOfA: readonly string[], namesOfB: readonly string[]): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a === b || unnamed(a, namesOfA) === unnamed(b, namesOfB);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length &&
    left.every(([key, value], i) => {
      const [otherKey, other] = right[i] ?? [];
      return key === otherKey && same(value, other, namesOfA, namesOfB);
    })
  );
}

const partOfName = /[A-Za-z0-9_.:-]/;

/** Names as whole words become placeholders, which sanitized text cannot hold. */
function unnamed(text: string, names: readonly string[]): string {
  return names.reduce((rest, name, i) => replaceWord(rest, name, `\0${i}`), text);
}

function replaceWord(text: string, word: string, by: string): string {
  if (word === '') return text;
  const parts = text.split(word);
  return parts.reduce((done, part, i) => {
    if (i === 0) return part;
    const isPart =
      partOfName.test(parts[i - 1]?.at(-1) ?? '') || /^(?:[A-Za-z0-9_-]|[.:][A-Za-z0-9])/.test(part.replace(/^:\d+(?![\d.:])/, ''));
    return done + (isPart ? word : by) + part;
  }, '');
}
