import { expect, test } from 'vitest';
import { readTogether } from '../../src/journeys/offline.js';
import { PcapngWriter } from '../../src/packets/write-pcapng.js';
import { pcapFile } from '../kit/captures.js';
import { ethernet, etherTypes, ipv4, udp } from '../kit/frames.js';

const frame = ethernet(
  etherTypes.ipv4,
  ipv4({ source: '203.0.113.7', destination: '192.168.99.10', protocol: 17 }, udp(40_000, 53, [1, 2, 3])),
);

function sourceOf(file: Uint8Array) {
  let at = 0;
  return {
    next(most: number) {
      const piece = file.subarray(at, at + most);
      at += most;
      return piece.length > 0 ? piece : undefined;
    },
  };
}

function withCounts(): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new PcapngWriter((bytes) => pieces.push(bytes.slice()));
  const point = writer.addInterface({ name: 'proxy/eth0', linkType: 1 });
  writer.write({ interface: point, bytes: frame, start: 0, end: frame.length, wireLength: frame.length, timeUs: 5 });
  writer.writeCounts(point, 6, { received: 4, dropped: 3 });
  writer.flush();
  return Buffer.concat(pieces);
}

test('each capture tells how it ended and what it missed; one that is broken is not read on, and costs no other', async () => {
  const whole = pcapFile([{ bytes: frame, time: 7n }]);
  const endless = { next: (most: number) => new Uint8Array(most) };
  const seen: [number, number][] = [];
  const ends = await readTogether(
    [sourceOf(withCounts()), sourceOf(whole), sourceOf(whole.subarray(0, whole.length - 1)), endless],
    Array.from({ length: 4 }, () => ({ ownMacs: new Set<number>(), clockOffset: 0 })),
    (point, { headers, time }) => {
      expect(headers.destinationPort).toBe(53);
      seen.push([point, time]);
    },
  );
  expect(seen.sort()).toEqual([
    [0, 5],
    [1, 7],
  ]);
  expect(ends).toEqual([
    { why: undefined, dropped: 3 },
    { why: undefined, dropped: 0 },
    { why: `truncated at byte ${whole.length - 1}`, dropped: 0 },
    { why: 'not a capture file', dropped: 0 },
  ]);
});
