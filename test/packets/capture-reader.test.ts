import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CaptureEnd, CaptureReader } from '../../src/packets/capture-reader.js';
import { Direction } from '../../src/packets/headers.js';
import { type CapturedFrame, pcapFile, pcapngBlocks, pcapngFile } from '../kit/captures.js';
import { joined } from '../kit/frames.js';

interface Read {
  end: CaptureEnd;
  frames: {
    bytes: number[];
    wire: number;
    timeUs: number;
    linkType: number;
    index: number;
    name: string | undefined;
    direction: Direction;
  }[];
}

function read(file: Uint8Array, chunk = file.length): Read {
  const frames: Read['frames'] = [];
  const reader = new CaptureReader((bytes, start, length, wire, timeUs, source) => {
    frames.push({
      bytes: [...bytes.subarray(start, start + length)],
      wire,
      timeUs,
      linkType: source.linkType,
      index: source.interfaceIndex,
      name: source.interfaceName,
      direction: source.direction,
    });
  });
  for (let at = 0; at < file.length; at += chunk) reader.push(file.slice(at, at + chunk));
  return { end: reader.end(), frames };
}

const time = 1_732_345_678_123_456n;
const one: CapturedFrame = { bytes: Uint8Array.of(1, 2, 3, 4, 5), time, wireLength: 60 };
const orders = ['little', 'big'] as const;

describe.each(orders)('pcap, %s endian', (order) => {
  test('gives bytes, lengths, time and link type of each packet', () => {
    const { end, frames } = read(pcapFile([one, { bytes: new Uint8Array(0) }], { order, linkType: 276 }));
    expect(end).toEqual({ ok: true, packets: 2 });
    expect(frames[0]).toEqual({
      bytes: [1, 2, 3, 4, 5],
      wire: 60,
      timeUs: Number(time),
      linkType: 276,
      index: 0,
      name: undefined,
      direction: Direction.unknown,
    });
    expect(frames[1]).toMatchObject({ bytes: [], wire: 0, timeUs: 0 });
  });

  test('nanoseconds become fractions of a microsecond', () => {
    const { frames } = read(pcapFile([{ bytes: Uint8Array.of(1), time: time * 1000n + 500n }], { order, nanoseconds: true }));
    expect(frames[0]?.timeUs).toBe(Number(time) + 0.5);
  });
});

describe.each(orders)('pcapng, %s endian', (order) => {
  const blocks = pcapngBlocks(order);

  test('gives interface, direction and time of each packet', () => {
    const frames: CapturedFrame[] = [
      { ...one, interface: 1, direction: 'out' },
      { ...one, direction: 'in' },
      { ...one, interface: 1 },
    ];
    const told = read(pcapngFile(frames, [{ name: 'eth0' }, { name: 'dev1/µ', linkType: 113 }], order));
    expect(told.end).toEqual({ ok: true, packets: 3 });
    expect(told.frames).toMatchObject([
      { index: 1, name: 'dev1/µ', linkType: 113, direction: Direction.out, timeUs: Number(time), wire: 60, bytes: [1, 2, 3, 4, 5] },
      { index: 0, name: 'eth0', linkType: 1, direction: Direction.in },
      { index: 1, direction: Direction.unknown },
    ]);
  });

  test.each([
    [0, 1_732_345_678n, 1_732_345_678_000_000],
    [3, 1_732_345_678_123n, 1_732_345_678_123_000],
    [9, 1_732_345_678_123_456_500n, 1_732_345_678_123_456.5],
    [0x80 | 20, 1_732_345_678n << 20n, 1_732_345_678_000_000],
    [0x80 | 30, (1_732_345_678n << 30n) + (1n << 29n), 1_732_345_678_500_000],
  ])('time stamps of resolution %i are microseconds to a quarter', (resolution, stamp, expected) => {
    const { frames } = read(pcapngFile([{ ...one, time: stamp }], [{ resolution }], order));
    expect(Math.abs((frames[0]?.timeUs ?? 0) - expected)).toBeLessThanOrEqual(0.25);
  });

  test('an offset of the interface is added to its times', () => {
    const { frames } = read(pcapngFile([{ ...one, time: 5n }], [{ offsetSeconds: 1_700_000_000n }], order));
    expect(frames[0]?.timeUs).toBe(1_700_000_000_000_005);
    expect(read(pcapngFile([{ ...one, time: 5n }], [{ offsetSeconds: -1n }], order)).frames[0]?.timeUs).toBe(-999_995);
  });

  test('simple packets are of the first interface, cut at its snap length, without a time', () => {
    const file = joined(
      blocks.section(),
      blocks.interface({ name: 'a', snapLength: 3 }),
      blocks.packet({ ...one, wireLength: 5 }, 'simple'),
    );
    expect(read(file).frames).toMatchObject([{ bytes: [1, 2, 3], wire: 5, timeUs: 0, index: 0, name: 'a' }]);
  });

  test('packet blocks of the older kind are read', () => {
    const file = joined(
      blocks.section(),
      blocks.interface(),
      blocks.interface({ name: 'b' }),
      blocks.packet({ ...one, interface: 1, direction: 'in' }, 'packet'),
    );
    expect(read(file).frames).toMatchObject([
      { bytes: [1, 2, 3, 4, 5], wire: 60, timeUs: Number(time), name: 'b', direction: Direction.in },
    ]);
  });

  test('blocks of other kinds and options of other kinds are passed over', () => {
    const odd = blocks.block(0x0bad, new Uint8Array(100));
    const file = joined(blocks.section(), odd, blocks.interface(), odd, blocks.packet(one), odd);
    expect(read(file)).toMatchObject({ end: { ok: true, packets: 1 } });
  });
});

test('each section has its own byte order and interfaces, whose numbers go on', () => {
  const [little, big] = [pcapngBlocks('little'), pcapngBlocks('big')];
  const file = joined(
    ...[little, big].flatMap((blocks, index) => [blocks.section(), blocks.interface({ name: `s${index}` }), blocks.packet(one)]),
  );
  expect(read(file)).toMatchObject({
    end: { ok: true, packets: 2 },
    frames: [
      { name: 's0', index: 0 },
      { name: 's1', index: 1 },
    ],
  });
});

const anyFrames = fc.array(
  fc.record({
    bytes: fc.uint8Array({ maxLength: 300 }),
    time: fc.bigInt(0n, (1n << 51n) - 1n),
    direction: fc.constantFrom('in' as const, 'out' as const),
  }),
  { maxLength: 20 },
);

test('in whatever chunks the bytes come, the same frames are read', () => {
  fc.assert(
    fc.property(anyFrames, fc.constantFrom(...orders), fc.integer({ min: 1, max: 400 }), (frames, order, chunk) => {
      for (const file of [pcapFile(frames, { order }), pcapngFile(frames, [{}], order)]) {
        const whole = read(file);
        expect(whole.end).toEqual({ ok: true, packets: frames.length });
        expect(whole.frames.map(({ bytes, timeUs }) => [bytes, timeUs])).toEqual(
          frames.map(({ bytes, time }) => [[...bytes], Number(time)]),
        );
        expect(read(file, chunk)).toEqual(whole);
      }
    }),
  );
});

test('a file that ends early gives every whole packet and says where it ended', () => {
  fc.assert(
    fc.property(anyFrames, fc.nat(), (frames, cut) => {
      for (const file of [pcapFile(frames), pcapngFile(frames)]) {
        const part = file.subarray(0, cut % file.length);
        const { end, frames: told } = read(part, 7);
        expect(told).toEqual(read(file).frames.slice(0, told.length));
        if (!end.ok)
          expect(end.why).toMatch(part.length === 0 ? /^empty$/ : new RegExp(`^(truncated at byte ${part.length}|not a capture file)$`));
      }
    }),
  );
});

describe('what is no capture is told', () => {
  const blocks = pcapngBlocks('little');
  const begun = joined(blocks.section(), blocks.interface());
  const lying = (file: Uint8Array, at: number, value: number): Uint8Array => {
    const copy = file.slice();
    new DataView(copy.buffer).setUint32(at, value, true);
    return copy;
  };
  test.each([
    ['nothing', new Uint8Array(0), 'empty'],
    ['a few bytes', Uint8Array.of(0xd4, 0xc3), 'not a capture file'],
    ['text', Buffer.from('tcpdump: listening on eth0'), 'not a capture file'],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), 'compressed: unpack it first'],
    ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0), 'compressed: unpack it first'],
    ['a packet longer than any', lying(pcapFile([one, one]), 24 + 21 + 8, 262_145), 'a packet of 262145 bytes at byte 45'],
    [
      'a block longer than any',
      joined(begun, lying(blocks.packet(one), 4, 0x7ffffffc)),
      `a block of 2147483644 bytes at byte ${begun.length}`,
    ],
    ['a block without length', joined(begun, lying(blocks.packet(one), 4, 0)), `a block of 0 bytes at byte ${begun.length}`],
    ['lengths that differ', joined(begun, lying(blocks.packet(one), 36, 44)), `a block with two different lengths at byte ${begun.length}`],
    [
      'a packet beyond its block',
      joined(begun, lying(blocks.packet(one), 20, 9)),
      `a packet longer than its block at byte ${begun.length}`,
    ],
    [
      'a packet block too short for one',
      joined(begun, blocks.block(6, new Uint8Array(8))),
      `a packet longer than its block at byte ${begun.length}`,
    ],
    [
      'an unknown interface',
      joined(begun, blocks.packet({ ...one, interface: 1 })),
      `a packet of an interface that is not described at byte ${begun.length}`,
    ],
    ['no byte order', lying(begun, 8, 0), 'a section of no byte order at byte 0'],
    [
      'interfaces without end',
      joined(blocks.section(), ...Array.from({ length: 4097 }, () => blocks.interface())),
      `more than 4096 interfaces at byte ${28 + 4096 * 20}`,
    ],
  ])('%s', (_, file, why) => {
    expect(read(file, 1 << 20).end).toMatchObject({ ok: false, why });
    expect(read(file, 5).end).toMatchObject({ ok: false, why });
  });

  test('and that nothing more can come of it, so that nobody reads on', () => {
    const reader = new CaptureReader(() => undefined);
    reader.push(begun);
    expect(reader.isBroken).toBe(false);
    reader.push(new Uint8Array(100));
    expect(reader.isBroken).toBe(true);
  });

  test('what came before it has been handed on', () => {
    expect(read(joined(begun, blocks.packet(one), lying(blocks.packet(one), 4, 0)))).toMatchObject({
      end: { ok: false, packets: 1 },
      frames: [{ bytes: [1, 2, 3, 4, 5] }],
    });
  });
});
