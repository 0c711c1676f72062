import { canonical, familyOf } from '../net/address.js';
import type { Family } from '../types.js';

/** The text of an address given as four words, as in `Headers`: IPv6 by RFC 5952. */
export function addressText(words: Uint32Array, family: Family): string {
  const [a = 0, b = 0, c = 0, d = 0] = words;
  if (family === 4) return dotted(d);
  return canonicalIpv6([a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff, d >>> 16, d & 0xffff]);
}

/** An address as four words, as in `Headers`; undefined when the text is none. An IPv4-mapped IPv6 address counts as IPv4. */
export function wordsOf(text: string): { family: Family; words: Uint32Array } | undefined {
  const address = canonical(text);
  const family = familyOf(address);
  if (family === undefined) return undefined;
  return { family, words: family === 4 ? Uint32Array.of(0, 0, 0, ipv4Word(address)) : ipv6Words(address) };
}

function dotted(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** The longest run of two or more zero groups, the first of equals, becomes `::`. */
function canonicalIpv6(groups: readonly number[]): string {
  const zeros = groups
    .map((_, start) => groups.slice(start).findIndex((group) => group !== 0))
    .map((run, start) => (run < 0 ? 8 - start : run));
  const longest = Math.max(...zeros);
  const hex = groups.map((group) => group.toString(16));
  if (longest < 2) return hex.join(':');
  const start = zeros.indexOf(longest);
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + longest).join(':')}`;
}

function ipv4Word(text: string): number {
  return text.split('.').reduce((word, part) => word * 256 + Number(part), 0);
}

/** Of canonical text: no dotted part, at most one `::`. */
function ipv6Words(text: string): Uint32Array {
  const [left = [], right = []] = text.split('::').map((side) => side.split(':').filter((group) => group !== ''));
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right].map((group) => Number.parseInt(group, 16));
  return Uint32Array.from({ length: 4 }, (_, word) => (groups[2 * word] ?? 0) * 65_536 + (groups[2 * word + 1] ?? 0));
}
