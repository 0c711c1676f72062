import { describe, expect, it } from 'vitest';
import { learn } from '../../src/journeys/learn.js';
import { readBeginnings, readTogether } from '../../src/journeys/offline.js';
import type { TracedService } from '../../src/journeys/services.js';
import { Flag } from '../../src/journeys/slots.js';
import { Tracer } from '../../src/journeys/tracer.js';
import { httpStart } from '../../src/packets/http.js';
import { addressText } from '../../src/packets/text.js';
import { sourceOf } from '../kit/captures.js';
import { steps, type WebOptions, type WebTransaction, webPoints, webTraffic } from '../kit/web-traffic.js';

/** More transactions by hand: WEB_TRANSACTIONS=50000 is some five million packets. At most 60,000, as each has ports of its own. */
const transactions = Number(process.env.WEB_TRANSACTIONS ?? 3000);

const web: TracedService = { protocol: 'tcp', port: 80, upstreamPorts: [80], upstreams: [], answersTo: 'nginx' };

async function follow(files: readonly Uint8Array[]) {
  const points = webPoints.map((place) => ({ ...place, ownMacs: new Set<number>(), clockOffset: 0 }));
  const open = files.map((file) => () => sourceOf(file));
  const learned = learn(points, [web], (viewpoints, see) => readBeginnings(open, viewpoints, see));
  const tracer = new Tracer(learned.points, learned.services, { capacity: transactions * 4 });
  await readTogether(
    open.map((begin) => begin()),
    learned.points,
    (point, packet, _, quoted) => tracer.see(point, packet, quoted),
  );
  const ended = tracer.finish(Number.POSITIVE_INFINITY);
  return { patterns: ended.patterns, told: pairsOf(tracer, { guesses: false }), pairs: pairsOf(tracer, { guesses: true }) };
}

/** Which of nginx's connections was taken for that of which request, with those that are a mere guess or without, as `client port of nginx` → client's port and request. */
function pairsOf({ joiner: { slots } }: Tracer, { guesses }: { guesses: boolean }): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const child of slots.opened()) {
    const parent = slots.parent[child] as number;
    if (parent < 0 || (!guesses && ((slots.flags[child] as number) & Flag.byOrder) !== 0)) continue;
    const client = addressText(slots.client.subarray(child * 4, child * 4 + 4), 4);
    pairs.set(`${client} ${slots.clientPort[child]}`, `${slots.clientPort[parent]} ${slots.request[parent]}`);
  }
  return pairs;
}

const hashOf = (path: string): number => {
  const bytes = new TextEncoder().encode(`POST ${path} HTTP/1.1`);
  return httpStart(bytes, 0, bytes.length).hash;
};

/** The same as they were made: of transactions that nginx asked an upstream for. */
const truePairs = (made: readonly WebTransaction[]): Map<string, string> =>
  new Map(
    made
      .filter(({ first, seen }) => first + seen > 6)
      .map(({ client, clientPort, ownPort, path }) => [`${client} ${ownPort}`, `${clientPort} ${hashOf(path)}`]),
  );

/** What is seen of a transaction, in its order. */
const path = steps.flatMap(({ kind, from, to }, index) => {
  const behind = index > 2 && index < 7;
  const leg = kind === 'syn' || kind === 'request' ? (behind ? 'forward' : 'request') : behind ? 'reply' : 'answer';
  return [`${webPoints[from].host} out ${leg} ${kind}`, `${webPoints[to].host} in ${leg} ${kind}`];
});
const kinds = new Map([
  [2, 'syn'],
  [3, 'synAck'],
  [4, 'request'],
  [5, 'response'],
]);

const counted = (paths: readonly { path: string; count: number }[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { path, count } of paths) counts.set(path, (counts.get(path) ?? 0) + count);
  return new Map([...counts].sort());
};

const differing = (found: ReadonlyMap<string, number>, made: ReadonlyMap<string, number>): number =>
  [...new Set([...found.keys(), ...made.keys()])].reduce((sum, path) => sum + Math.abs((found.get(path) ?? 0) - (made.get(path) ?? 0)), 0);

const hard: WebOptions = {
  transactions,
  loss: 0.01,
  repeated: 0.01,
  duplicates: 0.01,
  delayed: 0.05,
  keptOpen: 0.3,
  clocks: { client: { offsetUs: 2_000_000, ppm: -50 }, upstream: { offsetUs: -2_000_000, ppm: 50 } },
};

describe('frames that were merged differently at each point, with losses, repetitions, copies and segments that overtake', () => {
  it.each([1, 2])('belong to their transaction, whole, and every loss has its place: seed %d', async (seed) => {
    const truth = webTraffic({ ...hard, seed });
    const { patterns, told, pairs } = await follow(truth.files);
    const found = counted(
      patterns.map(({ sightings, count }) => ({
        path: sightings.map(({ host, dir, leg, kind }) => `${host} ${dir} ${leg} ${kinds.get(kind)}`).join(),
        count,
      })),
    );
    const made = counted(truth.transactions.map(({ first, seen }) => ({ path: path.slice(first, first + seen).join(), count: 1 })));
    const expected = truePairs(truth.transactions);
    const isTrue = ([own, asked]: [string, string]) => expected.get(own) === asked;
    // Of two requests that one client waits for, nothing tells whose a connection is that never comes to ask.
    expect([...told].filter((pair) => !isTrue(pair)).length).toBeLessThanOrEqual(Math.floor(transactions / 10_000));
    expect([...pairs].filter(isTrue).length).toBeGreaterThanOrEqual(expected.size * 0.999);
    expect(differing(found, made)).toBeLessThan(transactions * 0.001);
  });
});
