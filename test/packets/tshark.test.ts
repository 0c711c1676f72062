import { describe, expect, test } from 'vitest';
import { Direction } from '../../src/packets/headers.js';
import { PcapngWriter } from '../../src/packets/write-pcapng.js';
import { pcapFile, pcapngFile } from '../kit/captures.js';
import { trafficBuffers } from '../kit/traffic.js';
import { anyFrames, links } from './any-frames.js';
import { tshark } from './tshark.js';
import { fields, type OurWord, ourWord } from './tshark-fields.js';

/** Frames of each file; `ROUNDS=20000 npx vitest run test/packets/tshark.test.ts` is the long run. */
const rounds = Number(process.env.ROUNDS ?? 1000);
const besides = ['frame.time_epoch', 'vlan.id', 'ieee8021ad.id', 'sll.pkttype', 'frame.packet_flags_direction', '_ws.malformed'] as const;

type Theirs = Record<string, string[]>;

/** Where we and tshark differ, each as one line. Where not all was captured, only what we do say has to be what tshark says. */
function differences(file: Uint8Array): string[] {
  const theirs = tshark(file, [...fields, ...besides]);
  const ours = ourWord(file);
  const lines = ours.flatMap((our, index) => differencesOf(our, theirs[index] ?? {}).map((line) => `frame ${index + 1}: ${line}`));
  return theirs.length === ours.length ? lines : [...lines, `${theirs.length} frames and ${ours.length}`];
}

function differencesOf({ values, isWhole, ...our }: OurWord, their: Theirs): string[] {
  const of = (field: string) => (their[field] ?? []).map(plain);
  const lines = fields.flatMap((field) => {
    const [mine, other] = [values.get(field) ?? [], of(field)];
    const isSame = isWhole
      ? `${mine}` === `${other}`
      : mine.every((value, at) => isNothing(value) || other[at] === undefined || other[at] === value);
    return isSame ? [] : [`${field} ${mine} and ${other}`];
  });
  const vlan = of('ieee8021ad.id')[0] ?? of('vlan.id')[0] ?? 0;
  const direction = directionOf(of('sll.pkttype')[0]) ?? of('frame.packet_flags_direction')[0] ?? 0;
  const late = Math.abs(our.timeUs - microseconds(their['frame.time_epoch']?.[0]));
  if (our.vlan !== vlan && (isWhole || our.vlan !== 0)) lines.push(`VLAN ${our.vlan} and ${vlan}`);
  if (our.direction !== direction && (isWhole || our.direction !== 0)) lines.push(`direction ${our.direction} and ${direction}`);
  if (!(late <= 0.25)) lines.push(`times ${late} µs apart`);
  return lines;
}

function plain(value: string): number | string {
  if (/^(0x[0-9a-f]+|\d+)$/.test(value)) return Number(value);
  return value === 'True' || value === 'False' ? Number(value === 'True') : value;
}

function isNothing(value: number | string): boolean {
  return value === 0 || value === '0.0.0.0' || value === '::';
}

function directionOf(packetType: number | string | undefined): Direction | undefined {
  if (packetType === undefined) return undefined;
  return packetType === 4 ? Direction.out : Direction.in;
}

function microseconds(seconds = ''): number {
  const [whole, fraction = ''] = seconds.split('.');
  return Number(BigInt(`${whole}${fraction.padEnd(9, '0')}`) / 1000n) + Number(fraction.slice(6)) / 1000;
}

describe('tshark says the same of every field', () => {
  const interfaces = links.map((linkType, index) => ({ linkType, name: `host/if${index}`, resolution: index % 2 === 0 ? 6 : 9 }));
  const mixed = (seed: number) =>
    anyFrames(seed, rounds, (index) => links[index % links.length] ?? 1).map((frame, index) =>
      index % 2 === 0 ? frame : { ...frame, time: (frame.time ?? 0n) * 1000n + 250n },
    );

  test.each([
    ['pcap of Ethernet', () => pcapFile(anyFrames(1, rounds, () => 1))],
    [
      'pcap of cooked frames, big endian, nanoseconds',
      () =>
        pcapFile(
          anyFrames(2, rounds, () => 113),
          { order: 'big', nanoseconds: true, linkType: 113 },
        ),
    ],
    [
      'pcap of cooked frames, version 2',
      () =>
        pcapFile(
          anyFrames(3, rounds, () => 276),
          { linkType: 276 },
        ),
    ],
    [
      'pcap of raw IP, big endian',
      () =>
        pcapFile(
          anyFrames(4, rounds, () => 101),
          { order: 'big', linkType: 101 },
        ),
    ],
    ['pcapng of several link types', () => pcapngFile(mixed(5), interfaces)],
    ['pcapng of several link types, big endian', () => pcapngFile(mixed(6), interfaces, 'big')],
  ])('%s', (_, file) => {
    expect(differences(file())).toEqual([]);
  });

  test.each([4, 6] as const)('traffic made for tests, IPv%i', (family) => {
    const { files } = trafficBuffers({ transactions: rounds / 4, family, loss: 0.1, duplicates: 0.1 });
    for (const file of files.slice(1, 3)) expect(differences(file)).toEqual([]);
  });
});

test('tshark reads what is written: names, times, directions, comments, counts', () => {
  const pieces: Uint8Array[] = [];
  const writer = new PcapngWriter((bytes) => pieces.push(bytes.slice()));
  const points = [
    { name: 'client/eth0', linkType: 1 },
    { name: 'dév1/eth0', linkType: 101 },
  ];
  for (const point of points) writer.addInterface(point);
  const comments = [undefined, 'the reply was seen last here', 'größer "als" a;b', ''];
  const packets = anyFrames(7, 200, (index) => points[index % 2]?.linkType ?? 1).map(({ bytes, wireLength = 0 }, index) => {
    const packet = { interface: index % 2, bytes, start: 0, end: bytes.length, wireLength, timeUs: 1_732_345_678_000_000 + index * 1234.5 };
    return {
      ...packet,
      direction: ([Direction.unknown, Direction.in, Direction.out] as const)[index % 3] ?? 0,
      comment: comments[index % 4] ?? '',
    };
  });
  for (const { comment, ...packet } of packets) writer.write(comment === '' ? packet : { ...packet, comment });
  writer.writeCounts(0, 1_732_345_679_000_000, { received: 1000, dropped: 3 });
  writer.flush();
  const file = Buffer.concat(pieces);

  expect(differences(file)).toEqual([]);
  const told = tshark(file, [
    'frame.interface_name',
    'frame.comment',
    'frame.time_epoch',
    'frame.packet_flags_direction',
    'frame.len',
  ] as const);
  expect(told).toEqual(
    packets.map(({ interface: index, comment, timeUs, direction, wireLength }) => ({
      'frame.interface_name': [points[index]?.name],
      'frame.comment': comment === '' ? [] : comment.split(';'),
      'frame.time_epoch': [`${Math.floor(timeUs / 1e6)}.${((timeUs % 1e6) * 1000).toFixed(0).padStart(9, '0')}`],
      'frame.packet_flags_direction': direction === 0 ? [] : [`0x${direction.toString(16).padStart(8, '0')}`],
      'frame.len': [`${wireLength}`],
    })),
  );
});
