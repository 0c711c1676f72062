import type { ByteSource } from '../../src/journeys/offline.js';
import { joined } from './frames.js';

/*
 * Capture files as bytes, in either byte order, for tests of what reads them. What the program itself writes is made elsewhere, by other code.
 */

export interface CapturedFrame {
  bytes: Uint8Array;
  /** Of the time's own unit since 1970: microseconds unless the file says otherwise. */
  time?: bigint;
  /** As long as it was on the wire; else what was captured. */
  wireLength?: number;
  interface?: number;
  direction?: 'in' | 'out';
}

type Order = 'little' | 'big';

function number(order: Order, size: 2 | 4, value: number): number[] {
  const big = Array.from({ length: size }, (_, index) => Math.floor(value / 2 ** (8 * (size - 1 - index))) & 255);
  return order === 'big' ? big : big.reverse();
}

export function pcapFile(
  frames: readonly CapturedFrame[],
  of: { order?: Order; nanoseconds?: boolean; linkType?: number } = {},
): Uint8Array {
  const { order = 'little', nanoseconds = false, linkType = 1 } = of;
  const [n16, n32] = [(value: number) => number(order, 2, value), (value: number) => number(order, 4, value)];
  const header = [
    ...n32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4),
    ...n16(2),
    ...n16(4),
    ...n32(0),
    ...n32(0),
    ...n32(262_144),
    ...n32(linkType),
  ];
  const unit = nanoseconds ? 1_000_000_000n : 1_000_000n;
  const records = frames.map(({ bytes, time = 0n, wireLength = bytes.length }) =>
    joined(n32(Number(time / unit)), n32(Number(time % unit)), n32(bytes.length), n32(wireLength), bytes),
  );
  return joined(header, ...records);
}

export interface DescribedInterface {
  linkType?: number;
  name?: string;
  /** As in the file: 6 and 9 are powers of ten, from 128 on powers of two. */
  resolution?: number;
  offsetSeconds?: bigint;
  snapLength?: number;
}

export type PacketBlock = 'enhanced' | 'simple' | 'packet';

/** Blocks of a pcapng section in one byte order. */
export function pcapngBlocks(order: Order) {
  const [n16, n32] = [(value: number) => number(order, 2, value), (value: number) => number(order, 4, value)];
  const n64 = (value: bigint): number[] => {
    const halves = [Number(BigInt.asUintN(64, value) >> 32n), Number(BigInt.asUintN(32, value))];
    return (order === 'big' ? halves : halves.reverse()).flatMap(n32);
  };
  const padded = (bytes: ArrayLike<number>): Uint8Array => joined(bytes, new Uint8Array(-bytes.length & 3));
  const option = (code: number, value: ArrayLike<number>): Uint8Array => joined(n16(code), n16(value.length), padded(value));
  const options = (given: readonly Uint8Array[]): Uint8Array => (given.length > 0 ? joined(...given, n32(0)) : joined());
  const block = (type: number, body: ArrayLike<number>): Uint8Array =>
    joined(n32(type), n32(12 + body.length), body, n32(12 + body.length));

  return {
    block,
    option,
    section: () => block(0x0a0d0d0a, [...n32(0x1a2b3c4d), ...n16(1), ...n16(0), ...n64(-1n)]),
    interface: ({ linkType = 1, name, resolution, offsetSeconds, snapLength = 0 }: DescribedInterface = {}) => {
      const given = [
        ...(name === undefined ? [] : [option(2, Buffer.from(name))]),
        ...(resolution === undefined ? [] : [option(9, [resolution])]),
        ...(offsetSeconds === undefined ? [] : [option(14, n64(offsetSeconds))]),
      ];
      return block(1, joined(n16(linkType), n16(0), n32(snapLength), options(given)));
    },
    packet: (frame: CapturedFrame, kind: PacketBlock = 'enhanced') => {
      const { bytes, time = 0n, wireLength = bytes.length, direction } = frame;
      if (kind === 'simple') return block(3, joined(n32(wireLength), padded(bytes)));
      const times = [...n32(Number(time >> 32n)), ...n32(Number(time & 0xffffffffn))];
      const flags = direction ? [option(2, n32(direction === 'in' ? 1 : 2))] : [];
      const from = kind === 'packet' ? [...n16(frame.interface ?? 0), ...n16(0)] : n32(frame.interface ?? 0);
      return block(kind === 'packet' ? 2 : 6, joined(from, times, n32(bytes.length), n32(wireLength), padded(bytes), options(flags)));
    },
  };
}

/** One section of one byte order. */
export function pcapngFile(
  frames: readonly CapturedFrame[],
  interfaces: readonly DescribedInterface[] = [{}],
  order: Order = 'little',
): Uint8Array {
  const blocks = pcapngBlocks(order);
  return joined(blocks.section(), ...interfaces.map(blocks.interface), ...frames.map((frame) => blocks.packet(frame)));
}

/** A capture file in memory, as what reads files takes it. */
export function sourceOf(file: Uint8Array): ByteSource {
  let at = 0;
  return {
    next(most) {
      const piece = file.subarray(at, at + most);
      at += piece.length;
      return piece.length > 0 ? piece : undefined;
    },
  };
}
