/** A number from 0 to 2^32 - 1 that depends on nothing but the three: what a transaction is like can be asked at any time, and nothing is stored. */
export function draw(seed: number, transaction: number, what: number): number {
  let hash = Math.imul(transaction ^ Math.imul(seed + what, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13), 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** From 0 to below 1. */
export function chance(seed: number, transaction: number, what: number): number {
  return draw(seed, transaction, what) / 2 ** 32;
}
