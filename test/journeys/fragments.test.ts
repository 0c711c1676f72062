import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TracedService } from '../../src/journeys/services.js';
import { Tracer } from '../../src/journeys/tracer.js';
import { decode } from '../../src/packets/decode.js';
import { readGist } from '../../src/packets/gist.js';
import { Direction } from '../../src/packets/headers.js';
import { Packet } from '../../src/packets/packet.js';
import { dns, ipv4, protocols, udp } from '../kit/frames.js';

/* A DNS answer larger than the MTU, by Direct Server Return through nginx's host. */

const [client, vip, dev1] = ['10.0.0.5', '192.0.2.1', '172.16.0.11'];
const rawIp = 101;
const question = { id: 7, name: 'large.example.com', type: 16 };

const service: TracedService = {
  id: 'udp:53',
  host: 'proxy',
  protocol: 'udp',
  port: 53,
  upstreamPorts: [53],
  upstreams: [dev1],
  answersTo: 'client',
};

const places = ['client eth0', 'proxy eth0', 'proxy eth1', 'dev1 eth0'] as const;
type Place = (typeof places)[number];

interface Frame {
  place: Place;
  out: boolean;
  bytes: Uint8Array;
  time: number;
}

const request = (destination: string) =>
  ipv4({ source: client, destination, protocol: protocols.udp, id: 3 }, udp(40000, 53, dns(question)));

/** Both fragments have the identification that the upstream gave them. */
const fragment = (source: string, which: 'first' | 'later') => {
  const piece = {
    source,
    destination: client,
    protocol: protocols.udp,
    id: 99,
    ...(which === 'first' ? { moreFragments: true } : { fragmentOffset: 1480 }),
  };
  return ipv4(piece, which === 'first' ? udp(53, 40000, dns({ ...question, response: true }), 2000) : new Uint8Array(500));
};

/** The later fragment leaves nginx's host from `source`. */
function answeredLargely(source: string): Frame[] {
  const frames: [Place, boolean, Uint8Array][] = [
    ['client eth0', true, request(vip)],
    ['proxy eth0', false, request(vip)],
    ['proxy eth1', true, request(dev1)],
    ['dev1 eth0', false, request(dev1)],
    ['dev1 eth0', true, fragment(dev1, 'first')],
    ['dev1 eth0', true, fragment(dev1, 'later')],
    ['proxy eth1', false, fragment(dev1, 'first')],
    ['proxy eth1', false, fragment(dev1, 'later')],
    ['proxy eth0', true, fragment(vip, 'first')],
    ['proxy eth0', true, fragment(source, 'later')],
    ['client eth0', false, fragment(vip, 'first')],
    ['client eth0', false, fragment(source, 'later')],
  ];
  return frames.map(([place, out, bytes], n) => ({ place, out, bytes, time: 1.7e15 + n * 100 }));
}

function traced(frames: readonly Frame[]) {
  const points = places.map((place) => {
    const [host = '', iface = ''] = place.split(' ');
    return { host, iface, ownMacs: new Set<number>(), clockOffset: 0 };
  });
  const tracer = new Tracer(points, [service], { capacity: 256 });
  for (const { place, out, bytes, time } of frames) {
    const packet = new Packet();
    decode(bytes, 0, bytes.length, rawIp, packet.headers);
    readGist(bytes, packet.headers, packet.gist);
    packet.headers.direction = out ? Direction.out : Direction.in;
    packet.time = time;
    tracer.see(places.indexOf(place), packet);
  }
  const { patterns } = tracer.finish(Number.POSITIVE_INFINITY);
  return patterns.map(({ judgement, sightings, count }) => ({ end: judgement.end, sightings: sightings.length, count }));
}

/** The captures of several points in any order, each in its own. */
const interleaved = (frames: readonly Frame[]): fc.Arbitrary<Frame[]> =>
  fc
    .shuffledSubarray(
      frames.map(({ place }) => place),
      { minLength: frames.length, maxLength: frames.length },
    )
    .map((order) => {
      const left = new Map(places.map((place) => [place, frames.filter((frame) => frame.place === place)]));
      return order.flatMap((place) => left.get(place)?.shift() ?? []);
    });

test.each([
  ['as it should', vip, 'delivered'],
  ["under the upstream's own address: its reader cannot put it together", dev1, 'misdelivered'],
] as const)('a large answer whose later fragment comes %s', (_, source, end) => {
  const frames = answeredLargely(source);
  fc.assert(
    fc.property(interleaved(frames), (order) => {
      expect(traced(order)).toEqual([{ end, sightings: frames.length, count: 1 }]);
    }),
  );
});

test('a flood of fragments that belong to nothing keeps no memory, and costs the others nothing', () => {
  const strays = Array.from({ length: 5000 }, (_, n): Frame => {
    const bytes = ipv4(
      { source: dev1, destination: client, protocol: protocols.udp, id: n + 100, fragmentOffset: 1480 },
      new Uint8Array(8),
    );
    return { place: 'proxy eth0', out: true, bytes, time: 1.7e15 };
  });
  const frames = answeredLargely(dev1);
  expect(traced([...strays, ...frames])).toEqual([{ end: 'misdelivered', sightings: frames.length, count: 1 }]);
});
