import { expect, test } from 'vitest';
import { observationOf } from '../../src/engine/observation.js';
import { readTogether } from '../../src/journeys/offline.js';
import { Tracer } from '../../src/journeys/tracer.js';
import type { PointCount } from '../../src/types.js';
import { sourceOf } from '../kit/captures.js';
import { trafficBuffers } from '../kit/traffic.js';

const service = { protocol: 'udp', port: 53, upstreamPorts: [53], upstreams: ['172.16.0.11'], answersTo: 'client' } as const;

/** DNS of which some is lost on every way, seen by captures of which the first says this of itself. */
async function observed(first: Partial<PointCount>) {
  const truth = trafficBuffers({ transactions: 3000, loss: 0.1, seed: 3 });
  const macs = [0x101, 0x102, 0x103, 0x200].map((end) => 0x02_00_00_00_00_00 + end);
  const points = truth.points.map((place, n) => ({ ...place, ownMacs: new Set([macs[n] ?? 0]), clockOffset: 0 }));
  const tracer = new Tracer(points, [service]);
  await readTogether(truth.files.map(sourceOf), points, (point, packet, _, quoted) => tracer.see(point, packet, quoted));
  const counts = truth.points.map((place, n) => ({ ...place, packets: truth.packets[n] ?? 0, dropped: 0, ...(n === 0 ? first : {}) }));
  const { transactions, patterns } = observationOf(tracer, tracer.finish(Number.POSITIVE_INFINITY), counts, []);
  const lost = truth.seen.filter((seen) => seen < 8).length;
  return { transactions, patterns, lost };
}

test('what vanished is lost where captures missed nothing, and where they missed less than vanished', async () => {
  for (const dropped of [0, 3]) {
    const { transactions, patterns, lost } = await observed({ dropped });
    expect(transactions).toEqual({ total: 3000, complete: 3000 - lost, failed: lost, ambiguous: 0 });
    expect(patterns.filter(({ end }) => end === 'vanished').every(({ vanishedAfter }) => vanishedAfter !== undefined)).toBe(true);
  }
});

test.each([
  ['dropped as much', { dropped: 3000 }],
  ['saw only a part', { partial: 'the capture was ended by SIGKILL' }],
])(
  'what left another host cannot be told where a capture %s; what did not leave the host that it came to is lost all the same',
  async (_, first) => {
    const { transactions, patterns, lost } = await observed(first);
    expect(transactions).toMatchObject({ total: 3000, complete: 3000 - lost });
    // Of the seven ways three are within a host, and that from the client leads to one whose captures missed nothing.
    const ends = patterns.map(({ end, path }) => [path.length, end]).sort();
    expect(ends).toEqual([
      [1, 'vanished'],
      [2, 'vanished'],
      [3, 'ambiguous'],
      [4, 'vanished'],
      [5, 'ambiguous'],
      [6, 'vanished'],
      [7, 'ambiguous'],
      [8, 'delivered'],
    ]);
  },
);
