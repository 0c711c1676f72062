import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CaptureReader } from '../../src/packets/capture-reader.js';
import { Direction } from '../../src/packets/headers.js';
import { PcapngWriter, type WrittenPacket } from '../../src/packets/write-pcapng.js';
import { pcapFile } from '../kit/captures.js';

function written(write: (writer: PcapngWriter) => void): { file: Buffer; pieces: number } {
  const pieces: Uint8Array[] = [];
  const writer = new PcapngWriter((bytes) => pieces.push(bytes.slice()));
  write(writer);
  writer.flush();
  return { file: Buffer.concat(pieces), pieces: pieces.length };
}

function read(file: Uint8Array) {
  const packets: object[] = [];
  const reader = new CaptureReader((bytes, start, length, wireLength, timeUs, { interfaceName, linkType, direction }) => {
    packets.push({ data: [...bytes.subarray(start, start + length)], wireLength, timeUs, interfaceName, linkType, direction });
  });
  reader.push(file);
  return { end: reader.end(), packets, dropped: reader.dropped() };
}

const direction = fc.constantFrom(Direction.unknown, Direction.in, Direction.out);
const anyPacket = fc.record({
  interface: fc.constantFrom(0, 1),
  bytes: fc.uint8Array({ maxLength: 200 }),
  more: fc.nat(2000),
  // Up to the year 2100, in quarters of a microsecond, which doubles hold until 2041.
  timeUs: fc.integer({ min: 0, max: 2 ** 52 }).map((quarters) => quarters / 4),
  direction,
  comment: fc.option(fc.string({ maxLength: 40 }), { nil: undefined }),
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.array(anyPacket), (packets) => {
      const { file } = written((writer) => {
        writer.addInterface({ name: 'proxy/eth0', linkType: 1 });
        writer.addInterface({ name: 'dév1/eth0', linkType: 276 });
        for (const { bytes, more, comment, ...rest } of packets) {
          const packet: WrittenPacket = { ...rest, bytes, start: 0, end: bytes.length, wireLength: bytes.length + more };
          writer.write(comment === undefined ? packet : { ...packet, comment });
        }
      });
      const told = read(file);
      expect(told.end).toEqual({ ok: true, packets: packets.length });
      expect(told.packets).toEqual(
        packets.map(({ bytes, more, timeUs, direction, interface: index }) => ({
          data: [...bytes],
          wireLength: bytes.length + more,
          timeUs,
          interfaceName: index === 0 ? 'proxy/eth0' : 'dév1/eth0',
          linkType: index === 0 ? 1 : 276,
          direction,
        })),
      );
    }),
  );
});

test('of times of today, the quarter of a microsecond that a double has is kept', () => {
  for (const timeUs of [1_732_345_678_123_456 + 0.25, 1_732_345_678_123_456 + 0.5, 2 ** 50 + 2 ** 32 - 1]) {
    const { file } = written((writer) => {
      writer.addInterface({ name: 'a', linkType: 1 });
      writer.write({ interface: 0, bytes: new Uint8Array(1), start: 0, end: 1, wireLength: 1, timeUs });
    });
    expect(read(file).packets).toMatchObject([{ timeUs }]);
  }
});

test('a part of larger bytes is written, and a file of many packets comes in pieces', () => {
  const bytes = new Uint8Array(70_000).map((_, index) => index);
  const { file, pieces } = written((writer) => {
    writer.addInterface({ name: 'a', linkType: 1 });
    for (let round = 0; round < 20; round++) {
      writer.write({ interface: 0, bytes, start: round, end: round + 65_000, wireLength: 70_000, timeUs: round, comment: 'ended here' });
    }
  });
  expect(pieces).toBeGreaterThan(3);
  const { end, packets } = read(file);
  expect(end).toEqual({ ok: true, packets: 20 });
  expect(packets[7]).toMatchObject({ timeUs: 7, data: [...bytes.subarray(7, 65_007)] });
});

test('a packet longer than a piece, a comment longer than any, and a time before 1970 do no harm', () => {
  const { file } = written((writer) => {
    writer.addInterface({ name: 'n'.repeat(10_000), linkType: 1 });
    const bytes = new Uint8Array(262_144);
    writer.write({ interface: 0, bytes, start: 0, end: bytes.length, wireLength: bytes.length, timeUs: -5, comment: 'µ'.repeat(100_000) });
  });
  expect(read(file)).toMatchObject({ end: { ok: true, packets: 1 }, packets: [{ timeUs: 0, wireLength: 262_144 }] });
});

test('what the capture dropped is told with it', () => {
  const { file } = written((writer) => {
    const [first, second] = [writer.addInterface({ name: 'a', linkType: 1 }), writer.addInterface({ name: 'b', linkType: 1 })];
    writer.writeCounts(first, 1, { received: 50, dropped: 3 });
    writer.writeCounts(first, 2, { received: 100, dropped: 5 });
    writer.writeCounts(second, 2, { received: 2 ** 40, dropped: 2 ** 33 });
  });
  expect(read(file)).toMatchObject({ end: { ok: true, packets: 0 }, dropped: 5 + 2 ** 33 });
  expect(read(written((writer) => writer.addInterface({ name: 'a', linkType: 1 })).file).dropped).toBeUndefined();
  expect(read(pcapFile([])).dropped).toBeUndefined();
});
