import { canonical } from '../../net/address.js';
import type { TcMatch } from '../../types.js';
import { get, type Json, number, text } from './nft-json.js';

/** 32 bits of the packet, from its network header on. */
interface Word {
  value: number;
  mask: number;
}

/** Byte offsets in the headers of a packet without IP options or extension headers. */
const layouts = {
  4: { source: [12], destination: [16], ports: 20, protocolAt: 8, protocolShift: 16 },
  6: { source: [8, 12, 16, 20], destination: [24, 28, 32, 36], ports: 40, protocolAt: 4, protocolShift: 8 },
} as const;

/** u32 keys as a match; undefined when they look at anything but addresses, protocol and ports. */
export function decodeU32(keys: readonly Json[], family: 4 | 6): TcMatch | undefined {
  const words = collect(keys);
  if (!words) return undefined;
  const layout = layouts[family];
  const take = (offset: number): Word => {
    const word = words.get(offset) ?? { value: 0, mask: 0 };
    words.delete(offset);
    return word;
  };
  const source = prefix(layout.source.map(take));
  const destination = prefix(layout.destination.map(take));
  const ports = take(layout.ports);
  const protocol = take(layout.protocolAt);
  const wholeProtocol = (0xff << layout.protocolShift) >>> 0;
  if (source === undefined || destination === undefined || words.size > 0 || (protocol.mask !== 0 && protocol.mask !== wholeProtocol))
    return undefined;
  return {
    ...(source === '' ? {} : { source }),
    ...(destination === '' ? {} : { destination }),
    ...(protocol.mask === 0 ? {} : { ipProtocol: (protocol.value >>> layout.protocolShift) & 0xff }),
    ...port('sourcePort', ports.value >>> 16, ports.mask >>> 16),
    ...port('destinationPort', ports.value & 0xffff, ports.mask & 0xffff),
  };
}

function port(name: 'sourcePort' | 'destinationPort', value: number, mask: number): Partial<TcMatch> {
  return mask === 0 ? {} : { [name]: { value: value & mask, mask } };
}

/** Words by offset. Without a linked table `nexthdr+` counts from the network header, too (cls_u32.c), which nobody means: not read. */
function collect(keys: readonly Json[]): Map<number, Word> | undefined {
  const words = new Map<number, Word>();
  for (const key of keys) {
    const [value, mask, offset] = [hex(get(key, 'value')), hex(get(key, 'mask')), number(get(key, 'off'))];
    if (value === undefined || mask === undefined || offset === undefined || (get(key, 'offmask') ?? '') !== '') return undefined;
    if (mask === 0) continue;
    const old = words.get(offset) ?? { value: 0, mask: 0 };
    if (((old.value ^ value) & old.mask & mask) !== 0) return undefined;
    words.set(offset, { value: ((old.value | value) & (old.mask | mask)) >>> 0, mask: (old.mask | mask) >>> 0 });
  }
  return words;
}

function hex(value: Json): number | undefined {
  const digits = text(value) ?? '';
  return /^[0-9a-f]{1,8}$/i.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

/** Address words as a prefix; empty for no condition, undefined for a mask with holes. */
function prefix(words: readonly Word[]): string | undefined {
  const mask = words.map((word) => word.mask.toString(2).padStart(32, '0')).join('');
  if (!/^1*0*$/.test(mask)) return undefined;
  const length = mask.replaceAll('0', '').length;
  if (length === 0) return '';
  const bytes = words.flatMap(({ value, mask: bits }) => [24, 16, 8, 0].map((shift) => ((value & bits) >>> shift) & 0xff));
  const address =
    words.length === 1
      ? bytes.join('.')
      : canonical(
          Array.from({ length: 8 }, (_, group) => (((bytes[group * 2] ?? 0) << 8) | (bytes[group * 2 + 1] ?? 0)).toString(16)).join(':'),
        );
  return `${address}/${length}`;
}
