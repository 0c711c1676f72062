import { i32le, u8 } from './bytes.js';

/** 64 bits as two signed 32-bit halves, which fit into registers and typed arrays where a bigint is an object. Used again for each hash. */
export class Hash {
  low = 0;
  high = 0;
}

/** Odd constants with well spread bits: those of MurmurHash3 and of the golden ratio. */
const [first, second, third, fourth] = [0xcc9e2d51 | 0, 0x1b873593 | 0, 0x9e3779b1 | 0, 0x85ebca77 | 0];

/**
 * Hashes the bytes in [start, end) and their number, starting from `seed`. Made for telling payloads apart by chance, not for keeping apart what
 * somebody wants to look alike: who makes collisions on purpose makes his own packets ambiguous.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, into: Hash, seed = 0): void {
  let low = seed | 0;
  let high = seed ^ third;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = i32le(bytes, at);
    low = mix(low, Math.imul(word, first), 13, second);
    high = mix(high, Math.imul(word, fourth), 17, third);
  }
  let rest = 0;
  for (; at < end; at++) rest = (rest << 8) | u8(bytes, at);
  low = mix(low, Math.imul(rest, first), 13, second);
  high = mix(high, Math.imul(rest, fourth), 17, third);
  into.low = finish(low ^ (end - start) ^ (high >>> 3));
  into.high = finish(high ^ Math.imul(end - start, second) ^ into.low);
}

function mix(state: number, word: number, turn: number, factor: number): number {
  const sum = state ^ ((word << turn) | (word >>> (32 - turn)));
  return (Math.imul((sum << 15) | (sum >>> 17), factor) + third) | 0;
}

/** Lets every bit of the state touch every bit of the result (the end of MurmurHash3). */
function finish(state: number): number {
  let hash = state ^ (state >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
