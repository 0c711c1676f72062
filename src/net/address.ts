import ipaddr from 'ipaddr.js';
import type { Family } from '../types.js';
import { remembering } from './remember.js';

/** An address as a number, so that ranges and prefixes are plain comparisons. IPv4-mapped IPv6 addresses count as IPv4, as the kernel's sockets show them. */
interface Numeric {
  family: Family;
  value: bigint;
}

const bits: Record<Family, number> = { 4: 32, 6: 128 };
const numeric = remembering(parse);

function parse(text: string): Numeric | undefined {
  const bare = text.replace(/%.*$/, '');
  // ipaddr.js also takes "10.1" and hexadecimal or octal parts; no tool that we read prints those.
  if (!bare.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return undefined;
  // ipaddr.js takes the long deprecated "::10.0.0.1" (RFC 4291, 2.5.5.1) for an IPv4-mapped address.
  const plain = bare.replace(/^::(?=\d+\.)/, '::0:');
  if (!ipaddr.isValid(plain)) return undefined;
  const address = ipaddr.process(plain);
  const value = address.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: address.kind() === 'ipv4' ? 4 : 6, value };
}

function toText({ family, value }: Numeric): string {
  const bytes: number[] = [];
  for (let shift = bits[family] - 8; shift >= 0; shift -= 8) bytes.push(Number((value >> BigInt(shift)) & 255n));
  const address = ipaddr.fromByteArray(bytes);
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

/** 4, 6, or undefined when the text is no address. A zone (`%eth0`) is allowed and ignored. */
export function familyOf(text: string): Family | undefined {
  return numeric(text)?.family;
}

export function isAddress(text: string): boolean {
  return numeric(text) !== undefined;
}

/** The canonical text of an address (RFC 5952 for IPv6), or the text itself when it is none. */
export function canonical(text: string): string {
  const number = numeric(text);
  return number ? toText(number) : text;
}

/** Whether two texts name the same address, however written. */
export function sameAddress(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const [x, y] = [numeric(a), numeric(b)];
  return x !== undefined && y !== undefined && x.family === y.family && x.value === y.value;
}

/** Whether an address lies in an inclusive range; false for another family or for text that is no address. */
export function inRange(address: string, [first, last]: readonly [string, string]): boolean {
  const [a, low, high] = [numeric(address), numeric(first), numeric(last)];
  if (!a || !low || !high) return false;
  return a.family === low.family && low.family === high.family && a.value >= low.value && a.value <= high.value;
}

/** Orders addresses: IPv4 before IPv6, then by value; what is no address comes last. */
export function compareAddresses(a: string, b: string): number {
  const [x, y] = [numeric(a), numeric(b)];
  if (!x || !y) return Number(!x) - Number(!y) || a.localeCompare(b);
  if (x.family !== y.family) return x.family - y.family;
  return x.value < y.value ? -1 : Number(x.value > y.value);
}

/** The text of an address with its port, IPv6 in brackets (RFC 3986). */
export function withPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Address arithmetic for prefixes; kept here because it shares the number form. */
export function prefixBounds(address: string, length: number): readonly [string, string] | undefined {
  const number = numeric(address);
  if (!number || !Number.isInteger(length) || length < 0 || length > bits[number.family]) return undefined;
  const hostBits = BigInt(bits[number.family] - length);
  const first = (number.value >> hostBits) << hostBits;
  const last = first | ((1n << hostBits) - 1n);
  return [toText({ family: number.family, value: first }), toText({ family: number.family, value: last })];
}

/** The address that keeps the host bits of `address` and takes its first `length` bits from `network`: what `tc … action nat` does. */
export function graft(network: string, address: string, length: number): string | undefined {
  const [net, host] = [numeric(network), numeric(address)];
  if (!net || !host || net.family !== host.family || length < 0 || length > bits[net.family]) return undefined;
  const mask = (1n << BigInt(bits[net.family] - length)) - 1n;
  return toText({ family: net.family, value: (net.value & ~mask) | (host.value & mask) });
}

/** Number of bits of a family's address: 32 or 128. */
export function addressBits(family: Family): number {
  return bits[family];
}
