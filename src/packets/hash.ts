import { i32le, u8 } from './bytes.js';

/** 64 bits as two signed 32-bit halves, which fit into registers and typed arrays where a bigint is an object. Used again for each hash. */
export class Hash {
  low = 0;
  high = 0;
}

/** Odd constants with well spread bits: those of MurmurHash3 and of the golden ratio. */
const [first, second, third] = [0xcc9e2d51 | 0, 0x85ebca6b | 0, 0x9e3779b1 | 0];

/**
 * Hashes the bytes in [start, end) and their number, starting from `seed`. Made for telling payloads apart by chance, not for keeping apart what
 * somebody wants to look alike: who makes collisions on purpose makes his own packets ambiguous.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, into: Hash, seed = 0): void {
  let low = seed ^ (end - start);
  let high = Math.imul(seed, second) ^ third;
  let at = start;
  // Each step can be undone, so different words never lead to the same state; each half of it depends on both words.
  for (; at + 8 <= end; at += 8) {
    low = Math.imul(low ^ i32le(bytes, at), first);
    high = Math.imul(high ^ i32le(bytes, at + 4), second);
    low = (((low << 13) | (low >>> 19)) + high) | 0;
    high = ((high << 17) | (high >>> 15)) ^ low;
  }
  for (; at < end; at++) {
    low = Math.imul(low ^ u8(bytes, at), first);
    high = ((high << 7) | (high >>> 25)) ^ low;
  }
  into.low = finish(low ^ (high >>> 3));
  into.high = finish(Math.imul(high, third) ^ into.low);
}

/** Lets every bit of the state touch every bit of the result (the end of MurmurHash3). */
function finish(state: number): number {
  let hash = state ^ (state >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
