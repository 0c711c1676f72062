import { wordsOf } from '../../src/packets/text.js';

/*
 * Packets as bytes, put together header by header and independently of the code that takes them apart.
 */

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, qinq: 0x88a8 } as const;
export const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

export function be16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

export function be32(value: number): number[] {
  return [...be16(value >>> 16), ...be16(value)];
}

export function joined(...parts: readonly ArrayLike<number>[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes of an address: 4 or 16. */
export function addressBytes(address: string): number[] {
  const known = wordsOf(address);
  if (!known) throw new Error(`no address: ${address}`);
  const bytes = [...known.words].flatMap(be32);
  return known.family === 4 ? bytes.slice(12) : bytes;
}

/** The Internet checksum (RFC 1071). */
export function checksum(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536);
  return ~sum & 0xffff;
}

export interface Ipv4Options {
  source: string;
  destination: string;
  protocol: number;
  ttl?: number;
  id?: number;
  /** In bytes, a multiple of 8. */
  fragmentOffset?: number;
  moreFragments?: boolean;
  /** Header options, a multiple of 4 bytes. */
  options?: readonly number[];
  /** Instead of the true one. */
  totalLength?: number;
}

export function ipv4(of: Ipv4Options, payload: ArrayLike<number>): Uint8Array {
  const options = of.options ?? [];
  const fragment = ((of.fragmentOffset ?? 0) >>> 3) | (of.moreFragments ? 0x2000 : 0);
  const header = (sum: number): number[] => [
    0x45 + options.length / 4,
    0,
    ...be16(of.totalLength ?? 20 + options.length + payload.length),
    ...be16(of.id ?? 0),
    ...be16(fragment),
    of.ttl ?? 64,
    of.protocol,
    ...be16(sum),
    ...addressBytes(of.source),
    ...addressBytes(of.destination),
    ...options,
  ];
  return joined(header(checksum(header(0))), payload);
}

export interface Ipv6Options {
  source: string;
  destination: string;
  /** Of the first header after the IPv6 header. */
  next: number;
  hopLimit?: number;
  /** Instead of the true one. */
  payloadLength?: number;
}

export function ipv6(of: Ipv6Options, payload: ArrayLike<number>): Uint8Array {
  return joined(
    [0x60, 0, 0, 0, ...be16(of.payloadLength ?? payload.length), of.next, of.hopLimit ?? 64],
    addressBytes(of.source),
    addressBytes(of.destination),
    payload,
  );
}

export function ipv6Fragment(
  of: { next: number; id: number; fragmentOffset: number; moreFragments: boolean },
  payload: ArrayLike<number>,
): Uint8Array {
  return joined([of.next, 0, ...be16(of.fragmentOffset | Number(of.moreFragments)), ...be32(of.id)], payload);
}

/** Hop by hop, routing or destination options of `units` times 8 bytes: padding, and a routing header of no segments left. */
export function ipv6Extension(next: number, units: number, payload: ArrayLike<number>): Uint8Array {
  const padding = 8 * units - 4;
  return joined([next, units - 1, 1, padding], new Uint8Array(padding), payload);
}

export function udp(sourcePort: number, destinationPort: number, payload: ArrayLike<number>, length = 8 + payload.length): Uint8Array {
  return joined([...be16(sourcePort), ...be16(destinationPort), ...be16(length), 0, 0], payload);
}

export interface TcpOptions {
  sourcePort: number;
  destinationPort: number;
  sequence?: number;
  acknowledgement?: number;
  flags?: number;
  options?: readonly number[];
}

export function tcp(of: TcpOptions, payload: ArrayLike<number> = []): Uint8Array {
  const options = of.options ?? [];
  return joined(
    [...be16(of.sourcePort), ...be16(of.destinationPort), ...be32(of.sequence ?? 0), ...be32(of.acknowledgement ?? 0)],
    [(5 + options.length / 4) << 4, of.flags ?? 16, 255, 255, 0, 0, 0, 0, ...options],
    payload,
  );
}

export function icmp(type: number, code: number, payload: ArrayLike<number>): Uint8Array {
  return joined([type, code, ...be16(checksum(joined([type, code, 0, 0, 0, 0, 0, 0], payload))), 0, 0, 0, 0], payload);
}

const macs = { destination: [0x02, 0, 0, 0, 0, 2], source: [0x02, 0, 0, 0, 0, 1] };

/** With 802.1Q tags, outermost first, of which a first of two is a service tag. */
export function ethernet(type: number, payload: ArrayLike<number>, vlans: readonly number[] = []): Uint8Array {
  const tags = vlans.flatMap((id, index) => [...be16(index + 1 < vlans.length ? etherTypes.qinq : etherTypes.vlan), ...be16(id)]);
  return joined(macs.destination, macs.source, tags, be16(type), payload);
}

/** Linux cooked, version 1. Packet types: 0 to us, 3 to another, 4 outgoing. */
export function cooked(type: number, payload: ArrayLike<number>, packetType = 0): Uint8Array {
  return joined(be16(packetType), be16(1), be16(6), macs.source, [0, 0], be16(type), payload);
}

/** Linux cooked, version 2. */
export function cooked2(type: number, payload: ArrayLike<number>, packetType = 0, interfaceIndex = 1): Uint8Array {
  return joined(be16(type), [0, 0], be32(interfaceIndex), be16(1), [packetType, 6], macs.source, [0, 0], payload);
}

/** A DNS message with one question, class IN. */
export function dns(
  of: { id: number; name: string; type?: number; response?: boolean; code?: number },
  answer: ArrayLike<number> = [],
): Uint8Array {
  const labels = of.name.split('.').filter((label) => label !== '');
  const name = [...labels.flatMap((label) => [label.length, ...Buffer.from(label)]), 0];
  const flags = (of.response ? 0x8580 : 0x0100) | (of.code ?? 0);
  return joined(
    [...be16(of.id), ...be16(flags), 0, 1, 0, answer.length > 0 ? 1 : 0, 0, 0, 0, 0, ...name, ...be16(of.type ?? 1), 0, 1],
    answer,
  );
}
