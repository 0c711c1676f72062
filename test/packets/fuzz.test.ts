import { expect, test } from 'vitest';
import { type CaptureEnd, CaptureReader } from '../../src/packets/capture-reader.js';
import { decode, decodeQuoted } from '../../src/packets/decode.js';
import { DnsQuestion, readDnsQuestion } from '../../src/packets/dns.js';
import { Decoded, Headers } from '../../src/packets/headers.js';
import { pcapFile, pcapngBlocks, pcapngFile } from '../kit/captures.js';
import {
  cooked,
  cooked2,
  dns,
  ethernet,
  etherTypes,
  icmp,
  ipv4,
  ipv6,
  ipv6Extension,
  ipv6Fragment,
  joined,
  tcp,
  udp,
} from '../kit/frames.js';
import { Dice, mutated } from './mutate.js';

/** Frames; a tenth as many files. `ROUNDS=1000000 npx vitest run test/packets/fuzz.test.ts` is the long run. */
const rounds = Number(process.env.ROUNDS ?? 50_000);

const four = { source: '203.0.113.7', destination: '172.16.0.11' };
const six = { source: '2001:db8::7', destination: '2001:db8:1::11' };
const query = udp(5353, 53, dns({ id: 4711, name: 'www.example.org' }));
const segment = tcp(
  { sourcePort: 80, destinationPort: 50_000, sequence: 0xfffffff0, options: [2, 4, 5, 0xb4] },
  Buffer.from('HTTP/1.1 200 OK'),
);
const packets = [
  { type: etherTypes.ipv4, packet: ipv4({ ...four, protocol: 17 }, query) },
  { type: etherTypes.ipv4, packet: ipv4({ ...four, protocol: 6, options: [1, 1, 1, 0] }, segment) },
  { type: etherTypes.ipv4, packet: ipv4({ ...four, protocol: 17, moreFragments: true }, query) },
  { type: etherTypes.ipv4, packet: ipv4({ ...four, protocol: 1 }, icmp(3, 3, ipv4({ ...four, protocol: 17 }, query))) },
  { type: etherTypes.ipv6, packet: ipv6({ ...six, next: 0 }, ipv6Extension(43, 2, ipv6Extension(6, 1, segment))) },
  {
    type: etherTypes.ipv6,
    packet: ipv6({ ...six, next: 44 }, ipv6Fragment({ next: 17, id: 9, fragmentOffset: 0, moreFragments: true }, query)),
  },
  { type: etherTypes.ipv6, packet: ipv6({ ...six, next: 58 }, icmp(1, 4, ipv6({ ...six, next: 17 }, query))) },
];
const frames = packets.flatMap(({ type, packet }) => [
  { linkType: 1, bytes: ethernet(type, packet) },
  { linkType: 1, bytes: ethernet(type, packet, [42, 7]) },
  { linkType: 113, bytes: cooked(type, packet) },
  { linkType: 276, bytes: cooked2(type, packet, 4) },
  { linkType: 101, bytes: packet },
  { linkType: 0, bytes: joined([2, 0, 0, 0], packet) },
]);

/** Everything that decoding says of a frame that lies between bytes of one value, with positions counted from its start. */
function told(frame: Uint8Array, linkType: number, around: number): string {
  const bytes = new Uint8Array(frame.length + 96).fill(around);
  bytes.set(frame, 32);
  const [headers, inner, question] = [new Headers(), new Headers(), new DnsQuestion()];
  const outcome = decode(bytes, 32, 32 + frame.length, linkType, headers);
  const { payloadStart, payloadEnd, payloadLength } = headers;
  if (outcome === Decoded.ip) {
    const fits =
      payloadStart >= 32 && payloadStart <= payloadEnd && payloadEnd <= 32 + frame.length && payloadLength >= payloadEnd - payloadStart;
    if (!fits) throw new Error(`payload [${payloadStart}, ${payloadEnd}) of ${payloadLength} in [32, ${32 + frame.length})`);
  }
  const isDns = readDnsQuestion(bytes, payloadStart, payloadEnd, question);
  const all = [outcome, headers, decodeQuoted(bytes, headers, inner), inner, isDns, isDns && question];
  for (const { source, destination, ...numbers } of [headers, inner]) {
    const odd = Object.values(numbers).find(
      (value) => typeof value === 'number' && !(Number.isInteger(value) && value >= -1 && value < 2 ** 32),
    );
    if (odd !== undefined || source.length !== 4 || destination.length !== 4) throw new Error(`a field is ${odd}`);
  }
  return JSON.stringify(all);
}

test('whatever a frame holds, decoding stays within it and within the ranges of its fields', () => {
  const outcomes = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const dice = new Dice(round);
    const { bytes, linkType } = dice.pick(frames);
    const frame = mutated(bytes, dice);
    const type = dice.roll(10) === 0 ? dice.pick([0, 1, 12, 101, 108, 113, 147, 229, 276]) : linkType;
    const first = told(frame, type, 0);
    // What lies around a frame is another's: a decoder that looks there says something else the second time.
    if (first !== told(frame, type, 255)) throw new Error(`round ${round}: ${first} depends on bytes around the frame`);
    outcomes.add(first.slice(1, 2));
  }
  expect([...outcomes].sort()).toEqual(['0', '1', '2', '3', '4']);
});

const some = frames.slice(0, 12).map(({ bytes }, index) => ({ bytes, time: 1_700_000_000_000_000n + BigInt(index), interface: index % 2 }));
const interfaces = [
  { name: 'eth0', resolution: 9 },
  { name: 'eth1', linkType: 113, offsetSeconds: 7n, snapLength: 60 },
];
const [little, big] = [pcapngBlocks('little'), pcapngBlocks('big')];
const files = [
  pcapFile(some),
  pcapFile(some, { order: 'big', nanoseconds: true, linkType: 276 }),
  pcapngFile(some, interfaces),
  pcapngFile(some, interfaces, 'big'),
  joined(
    little.section(),
    little.interface(),
    little.packet({ bytes: query, direction: 'in' }),
    little.packet({ bytes: query }, 'simple'),
    big.section(),
  ),
  joined(big.section(), big.interface(), big.block(5, joined(new Uint8Array(12), big.option(5, new Uint8Array(8)))), little.section()),
  joined(big.section(), big.interface(), big.packet({ bytes: query, direction: 'out' }, 'packet'), little.section(), little.interface()),
];

/** The end and the sum of what was handed on, read in chunks. */
function readAll(file: Uint8Array, chunk: number): { end: CaptureEnd; sum: number } {
  let [sum, total] = [0, 0];
  const reader = new CaptureReader((bytes, start, length, wire, timeUs, source) => {
    total += length;
    const fits = start >= 0 && start + length <= bytes.length && wire >= length && Number.isFinite(timeUs) && total <= file.length;
    if (!fits) throw new Error(`[${start}, ${start + length}) of ${bytes.length}, wire ${wire}, time ${timeUs}, ${total} bytes so far`);
    for (let at = start; at < start + length; at++) sum = (Math.imul(sum, 31) + (bytes[at] ?? 0)) | 0;
    sum ^= source.linkType + source.interfaceIndex + source.direction + (timeUs % 1000);
  });
  for (let at = 0; at < file.length; at += chunk) reader.push(file.slice(at, at + chunk));
  return { end: reader.end(), sum };
}

test('whatever a file holds, and however its bytes come, it ends with the same frames and the same word', () => {
  const ends = new Set<string>();
  for (let round = 0; round < rounds / 10; round++) {
    const dice = new Dice(round);
    const file = mutated(dice.pick(files), dice);
    const whole = readAll(file, file.length + 1);
    const parts = readAll(file, 1 + dice.roll(200));
    if (JSON.stringify(whole) !== JSON.stringify(parts)) throw new Error(`round ${round}: ${JSON.stringify([whole, parts])}`);
    ends.add(whole.end.ok ? 'whole' : whole.end.why.replace(/\d+/g, 'N'));
  }
  expect([...ends].sort()).toEqual([
    'a block of N bytes at byte N',
    'a block with two different lengths at byte N',
    'a packet longer than its block at byte N',
    'a packet of N bytes at byte N',
    'a packet of an interface that is not described at byte N',
    'a section of no byte order at byte N',
    'empty',
    'not a capture file',
    'truncated at byte N',
    'whole',
  ]);
});
