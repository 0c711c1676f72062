import type { Family } from '../types.js';
import { addressBits, familyOf, inRange, prefixBounds } from './address.js';
import { remembering } from './remember.js';

/** `10.0.0.0/8`, `10.0.0.1` (its host prefix), `default` needs a family and is not taken here. */
export interface Prefix {
  family: Family;
  address: string;
  length: number;
}

/** Reads an address or a prefix; undefined when it is neither. Host bits are kept. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const family = familyOf(address);
  if (!family || rest.length > 0) return undefined;
  if (length === undefined) return { family, address, length: addressBits(family) };
  // Mapped addresses count as IPv4: `::ffff:0.0.0.0/96` is all of it.
  const bits = Number(length) - (family === 4 && address.includes(':') ? 96 : 0);
  if (!/^\d{1,3}$/.test(length) || bits < 0 || bits > addressBits(family)) return undefined;
  return { family, address, length: bits };
}

/** First and last address of a prefix or of a single address. */
export const rangeOf: (text: string) => readonly [string, string] | undefined = remembering((text) => {
  const prefix = parsePrefix(text);
  return prefix && prefixBounds(prefix.address, prefix.length);
});

/** Whether an address (or a whole prefix) lies in a prefix. */
export function contains(prefix: string, inner: string): boolean {
  const [outer, range] = [rangeOf(prefix), rangeOf(inner)];
  return outer !== undefined && range !== undefined && inRange(range[0], outer) && inRange(range[1], outer);
}

/** Whether two prefixes share an address: true when either contains the other. */
export function overlap(a: string, b: string): boolean {
  return contains(a, b) || contains(b, a);
}

/** Canonical text: network address and length, `10.1.2.0/24`. Undefined when the text is no prefix. */
export function network(text: string): string | undefined {
  const prefix = parsePrefix(text);
  const range = rangeOf(text);
  return prefix && range && `${range[0]}/${prefix.length}`;
}

/** `0.0.0.0/0` or `::/0`. */
export function everything(family: Family): string {
  return family === 4 ? '0.0.0.0/0' : '::/0';
}
