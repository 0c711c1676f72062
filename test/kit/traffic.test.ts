import { describe, expect, test } from 'vitest';
import { CaptureReader } from '../../src/packets/capture-reader.js';
import { decode } from '../../src/packets/decode.js';
import { DnsQuestion, readDnsQuestion } from '../../src/packets/dns.js';
import { Decoded, Headers } from '../../src/packets/headers.js';
import { addressText } from '../../src/packets/text.js';
import { type TrafficOptions, trafficBuffers } from './traffic.js';

interface Seen {
  transaction: number;
  sighting: number;
  isCopy: boolean;
  timeUs: number;
  source: string;
  destination: string;
  question: string;
  ttl: number;
  ipId: number;
  captured: number;
}

/** Reads what was made, and puts beside each packet what the maker says that it is. */
function made(options: Partial<TrafficOptions> = {}) {
  const said: { transaction: number; sighting: number; isCopy: boolean }[][] = [];
  const { files, ...truth } = trafficBuffers({ transactions: 2000, ...options }, (point, transaction, sighting, isCopy) => {
    const ofPoint = said[point] ?? [];
    ofPoint.push({ transaction, sighting, isCopy });
    said[point] = ofPoint;
  });
  const [headers, dns] = [new Headers(), new DnsQuestion()];
  const points = files.map((file, point) => {
    const seen: Seen[] = [];
    const reader = new CaptureReader((bytes, start, length, wire, timeUs, { linkType }) => {
      const outcome = decode(bytes, start, start + length, linkType, headers, wire);
      const isDns = readDnsQuestion(bytes, headers.payloadStart, headers.payloadEnd, dns);
      const told = said[point]?.[seen.length];
      if (!told || outcome !== Decoded.ip) throw new Error('a packet that nobody made');
      seen.push({
        ...told,
        timeUs,
        source: `${addressText(headers.source, headers.family)} ${headers.sourcePort}`,
        destination: `${addressText(headers.destination, headers.family)} ${headers.destinationPort}`,
        question: isDns ? `${dns.hash.low} ${dns.hash.high}` : 'cut',
        ttl: headers.ttl,
        ipId: headers.ipId,
        captured: length,
      });
    });
    reader.push(file);
    expect(reader.end()).toEqual({ ok: true, packets: said[point]?.length });
    return seen;
  });
  return { ...truth, points, names: truth.points.map(({ host, iface }) => `${host}/${iface}`), files };
}

/** The eight sightings of one transaction, in their order. */
function journey({ points }: ReturnType<typeof made>, transaction: number): Seen[] {
  const all = points.flat().filter((seen) => seen.transaction === transaction && !seen.isCopy);
  return all.sort((a, b) => a.sighting - b.sighting);
}

describe('generated traffic', () => {
  test('a transaction is seen eight times, in the order of time, and nginx hides itself', () => {
    const traffic = made();
    expect(traffic.names).toEqual(['client/eth0', 'proxy/eth0', 'proxy/eth1', 'dev1/eth0']);
    expect(traffic.packets).toEqual([4000, 4000, 4000, 4000]);
    const steps = journey(traffic, 1234);
    const client = steps[0]?.source;
    expect(client).toMatch(/^198\.18\.\d+\.\d+ \d+$/);
    expect(steps.map(({ source, destination }) => [source, destination])).toEqual([
      [client, '192.168.99.10 53'],
      [client, '192.168.99.10 53'],
      [client, '172.16.0.11 53'],
      [client, '172.16.0.11 53'],
      ['172.16.0.11 53', client],
      ['172.16.0.11 53', client],
      ['192.168.99.10 53', client],
      ['192.168.99.10 53', client],
    ]);
    expect(new Set(steps.map(({ question }) => question)).size).toBe(1);
    expect(steps.map(({ ttl }) => ttl)).toEqual([64, 64, 64, 64, 64, 64, 63, 63]);
    expect(steps.map(({ ipId }) => ipId)).toEqual([0, 0, 2, 2, 4, 4, 4, 4].map((same) => steps[same]?.ipId));
    expect(steps.every(({ timeUs }, index) => index === 0 || timeUs > (steps[index - 1]?.timeUs ?? 0))).toBe(true);
    for (const seen of traffic.points) expect(seen.every(({ timeUs }, index) => timeUs >= (seen[index - 1]?.timeUs ?? 0))).toBe(true);
  });

  test('the same seed makes the same bytes, another makes others', () => {
    const bytes = (seed: number) =>
      Buffer.concat(trafficBuffers({ transactions: 500, loss: 0.1, duplicates: 0.1, delayed: 0.1, seed }).files);
    expect(bytes(7).equals(bytes(7))).toBe(true);
    expect(bytes(8).equals(bytes(7))).toBe(false);
  });

  test('more transactions than are planned at a time go on in order', () => {
    const { points } = made({ transactions: 9000, names: 10 });
    for (const seen of points) expect(seen.every(({ timeUs }, index) => timeUs >= (seen[index - 1]?.timeUs ?? 0))).toBe(true);
  });

  test('losses end transactions where it is said, at each way alike', () => {
    const traffic = made({ loss: 0.35 });
    const lengths = Array<number>(9).fill(0);
    for (const length of traffic.seen) lengths[length] = (lengths[length] ?? 0) + 1;
    expect(lengths[0]).toBe(0);
    for (const count of lengths.slice(1, 8)) expect(count).toBeGreaterThan(60);
    expect(lengths[8]).toBeGreaterThan(1200);
    const counted = new Uint8Array(traffic.seen.length);
    for (const { transaction } of traffic.points.flat()) counted[transaction] = (counted[transaction] ?? 0) + 1;
    expect(counted).toEqual(traffic.seen);
  });

  test('copies follow at the same point and say that they are', () => {
    const { points } = made({ duplicates: 0.1 });
    const copies = points.flat().filter(({ isCopy }) => isCopy);
    expect(copies.length).toBeGreaterThan(1300);
    expect(copies.length).toBeLessThan(1900);
    const [first] = copies;
    const original = points
      .flat()
      .find((seen) => !seen.isCopy && seen.transaction === first?.transaction && seen.sighting === first.sighting);
    expect({ ...first, isCopy: false, timeUs: 0 }).toEqual({ ...original, timeUs: 0 });
  });

  test('clocks are off by what is said, and drift', () => {
    const clocks = { proxy: { offsetUs: 2_000_000 }, upstream: { offsetUs: -500_000, ppm: 50 } };
    const [right, wrong] = [made({ perSecond: 100 }), made({ perSecond: 100, clocks })];
    const shifts = journey(wrong, 1999).map(({ timeUs }, index) => timeUs - (journey(right, 1999)[index]?.timeUs ?? 0));
    // 1999 transactions at 100 a second are 20 s, in which 50 ppm are 1 ms.
    const upstream = -500_000 + 1000;
    const expected = [0, 2_000_000, 2_000_000, upstream, upstream, 2_000_000, 2_000_000, 0];
    for (const [index, shift] of shifts.entries()) expect(Math.abs(shift - (expected[index] ?? 0))).toBeLessThan(5);
  });

  test('IPv6, several upstreams, a snap length', () => {
    const traffic = made({ family: 6, upstreams: 3, snapLength: 90 });
    expect(traffic.names.slice(3)).toEqual(['dev1/eth0', 'dev2/eth0', 'dev3/eth0']);
    const upstreams = new Set(traffic.points[2]?.filter(({ sighting }) => sighting === 2).map(({ destination }) => destination));
    expect([...upstreams].sort()).toEqual(['2001:db8:16::11 53', '2001:db8:16::12 53', '2001:db8:16::13 53']);
    expect(traffic.points.flat().every(({ captured, question }) => captured === 90 && question === 'cut')).toBe(true);
  });

  test('a rewrite and a kept port can be left out', () => {
    const steps = journey(made({ rewrites: false, keepsPort: false }), 5);
    const [request, , spoofed, , , , reply] = steps;
    expect(reply?.source).toBe('172.16.0.11 53');
    expect(spoofed?.source).not.toBe(request?.source);
    expect(reply?.destination).toBe(spoofed?.source);
  });
});
