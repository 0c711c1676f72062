import { describe, expect, it } from 'vitest';
import { learn } from '../../src/journeys/learn.js';
import { readBeginnings, readTogether } from '../../src/journeys/offline.js';
import type { FoundPattern } from '../../src/journeys/pattern.js';
import type { TracedService } from '../../src/journeys/services.js';
import { Tracer } from '../../src/journeys/tracer.js';
import { sourceOf } from '../kit/captures.js';
import { sightings, trafficBuffers } from '../kit/traffic.js';
import type { TrafficOptions } from '../kit/traffic-options.js';

/** More transactions by hand: TRANSACTIONS=1250000 is ten million packets. */
const transactions = Number(process.env.TRANSACTIONS ?? 40_000);

const service: TracedService = { protocol: 'udp', port: 53, upstreamPorts: [53], upstreams: [], answersTo: 'unknown' };

/** Reads files as a user would who has nothing but files. */
async function follow(files: readonly Uint8Array[], hosts: readonly { host: string; iface: string }[], known: Partial<TracedService> = {}) {
  const points = hosts.map((place) => ({ ...place, ownMacs: new Set<number>(), clockOffset: 0 }));
  const open = files.map((file) => () => sourceOf(file));
  const learned = learn(points, [{ ...service, ...known }], (viewpoints, see) => readBeginnings(open, viewpoints, see));
  const tracer = new Tracer(learned.points, learned.services);
  await readTogether(
    open.map((begin) => begin()),
    learned.points,
    (point, packet, _, quoted) => tracer.see(point, packet, quoted),
  );
  return { ...tracer.finish(Number.POSITIVE_INFINITY), tracer };
}

/** How many transactions were seen last at each of the eight sightings. */
function lastSeen(patterns: readonly FoundPattern[]): number[] {
  const counts = sightings.map(() => 0);
  for (const { sightings: path, count } of patterns) counts[path.length - 1] = (counts[path.length - 1] ?? 0) + count;
  return counts;
}

const hard: TrafficOptions = {
  transactions,
  upstreams: 4,
  loss: 0.01,
  duplicates: 0.01,
  delayed: 0.05,
  clocks: { client: { offsetUs: 2_000_000, ppm: -50 }, upstream: { offsetUs: -2_000_000, ppm: 50 } },
};

/** The same as it was made. */
function madeLast(seen: Uint8Array): number[] {
  const counts = sightings.map(() => 0);
  for (const count of seen) counts[count - 1] = (counts[count - 1] ?? 0) + 1;
  return counts;
}

/** A path without a gap, in the order in which it was gone, of a single transaction. */
const isWhole = ({ sightings: path }: FoundPattern): boolean =>
  path.map(({ host, dir, leg }) => `${host.replace(/\d+$/, '')} ${dir} ${leg}`).join() ===
  [
    'client out request',
    'proxy in request',
    'proxy out forward',
    'dev in forward',
    'dev out reply',
    'proxy in reply',
    'proxy out answer',
    'client in answer',
  ]
    .slice(0, path.length)
    .join();

describe('captures of four hosts whose clocks are seconds apart, with losses, copies and packets that overtake', () => {
  it.each([
    ['IPv4', { ...hard, family: 4, seed: 1 }],
    ['IPv6', { ...hard, family: 6, seed: 2 }],
  ] as const)('give every transaction as a whole, and every loss its place: %s', async (_, options) => {
    const truth = trafficBuffers(options);
    const { patterns } = await follow(truth.files, truth.points);
    expect(patterns.filter((pattern) => !isWhole(pattern))).toEqual([]);
    expect(lastSeen(patterns)).toEqual(madeLast(truth.seen));
  });

  it('tell the clocks', async () => {
    const truth = trafficBuffers({ ...hard, transactions: 4000 });
    const { clocks } = await follow(truth.files, truth.points);
    const told = new Map(clocks.offsets().map(({ host, offsetUs, boundUs }) => [host, { offsetUs, boundUs }]));
    for (const [host, offset] of [
      ['proxy', -2_000_000],
      ['dev1', -4_000_000],
    ] as const) {
      const { offsetUs = 0, boundUs = 0 } = told.get(host) ?? {};
      expect(boundUs).toBeGreaterThan(0);
      expect(Math.abs(offsetUs - offset)).toBeLessThan(20);
    }
  });
});

describe('a reply that is not rewritten', () => {
  it('is misdelivered to the client', async () => {
    const truth = trafficBuffers({ transactions: 500, upstreams: 2, rewrites: false });
    const { patterns } = await follow(truth.files, truth.points);
    expect(patterns.map(({ judgement }) => judgement.end)).toEqual(patterns.map(() => 'misdelivered'));
    expect(patterns.reduce((sum, { count }) => sum + count, 0)).toBe(500);
  });
});

describe('nginx that asks from a port of its own', () => {
  it('gets the answers of Direct Server Return to a port that the client never used', async () => {
    const truth = trafficBuffers({ transactions: 500, keepsPort: false });
    const { patterns } = await follow(truth.files, truth.points, { answersTo: 'client' });
    expect(patterns.map(({ judgement }) => judgement.end)).toEqual(patterns.map(() => 'misdelivered'));
    expect(patterns.reduce((sum, { count }) => sum + count, 0)).toBe(500);
  });
});
