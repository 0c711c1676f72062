import type { PatternStep, Report, Trace, TracePattern } from '../../src/types.js';
import { attack, healthy } from './samples.js';

/** `host iface dir`, addresses, and what is told of it; the leg is that of the step before unless given. */
type Told = readonly [place: string, src: string, dst: string, note: string, leg: NonNullable<PatternStep['leg']>, afterUs: number];

export function path(...told: readonly Told[]): PatternStep[] {
  return told.map(([place, src, dst, note, leg, afterUs]) => {
    const [host = '', iface = '', dir] = place.split(' ');
    return { host, iface, dir: dir === 'out' ? 'out' : 'in', src, dst, note, leg, afterUs };
  });
}

export const c = '192.168.99.50:41234';
export const vip = '192.168.99.10:53';

/** A DNS query over DSR through nginx's host, which rewrites the reply. */
function query(n: number, upTo: number): PatternStep[] {
  const up = `172.16.0.1${n}:53`;
  return path(
    ['client eth0 out', c, vip, 'request', 'request', 0],
    ['proxy eth0 in', c, vip, 'request', 'request', 41],
    ['proxy eth1 out', c, up, 'request', 'forward', 213],
    [`dev${n} eth0 in`, c, up, 'request', 'forward', 246],
    [`dev${n} eth0 out`, up, c, 'reply', 'reply', 402],
    ['proxy eth1 in', up, c, 'reply', 'reply', 431],
    ['proxy eth0 out', vip, c, `reply, source rewritten from 172.16.0.1${n}`, 'answer', 455],
    ['client eth0 in', vip, c, 'reply', 'answer', 489],
  ).slice(0, upTo);
}

export const service = 'udp:53';
const delivered = (n: number, count: number): TracePattern => ({
  count,
  end: 'delivered',
  path: query(n, 8),
  service,
  upstream: `172.16.0.1${n}`,
});

export const points = ['client eth0', 'proxy eth0', 'proxy eth1', 'dev1 eth0', 'dev2 eth0', 'dev3 eth0', 'dev4 eth0'].map((place, i) => {
  const [host = '', iface = ''] = place.split(' ');
  return { host, iface, packets: [80, 80, 80, 20, 20, 20, 20][i] ?? 0, dropped: 0 };
});

export function traced(patterns: TracePattern[], more: Partial<Trace> = {}): Report {
  const of = (...ends: TracePattern['end'][]) =>
    patterns.filter(({ end }) => ends.includes(end)).reduce((sum, { count }) => sum + count, 0);
  const transactions = {
    total: patterns.reduce((sum, { count }) => sum + count, 0),
    complete: of('delivered'),
    failed: of('vanished', 'refused', 'misdelivered'),
    ambiguous: of('ambiguous'),
  };
  return {
    ...healthy,
    command: 'trace',
    tookMs: 12_900,
    verdict: transactions.failed > 0 ? 'undetermined' : 'healthy',
    hosts: [
      { name: 'client', target: 'netns:client', roles: ['client'], reached: true },
      { name: 'proxy', target: 'netns:proxy', roles: ['proxy', 'router'], reached: true },
      ...[1, 2, 3, 4].map((n) => ({ name: `dev${n}`, target: `netns:dev${n}`, roles: ['upstream' as const], reached: true })),
    ],
    services: [
      {
        id: service,
        host: 'proxy',
        protocol: 'udp',
        listen: ['0.0.0.0:53'],
        upstreams: [1, 2, 3, 4].map((n) => `172.16.0.1${n}:53`),
        mode: 'dsr-router-nat',
        at: { file: '/etc/nginx/stream.d/dns.conf', line: 9 },
      },
    ],
    findings: [],
    trace: {
      window: { from: '2026-02-03T02:14:07.000Z', to: '2026-02-03T02:14:19.000Z' },
      points,
      transactions,
      patterns,
      clocks: [],
      ...more,
    },
  };
}

export const allDelivered = traced([1, 2, 3, 4].map((n) => delivered(n, 10)));

export const oneDead = traced(
  [
    delivered(1, 10),
    delivered(2, 10),
    {
      count: 10,
      end: 'vanished',
      path: query(3, 3),
      vanishedAfter: { host: 'proxy', iface: 'eth1' },
      neverSeenBy: { host: 'dev3', iface: 'eth0' },
      service,
      upstream: '172.16.0.13',
    },
    delivered(4, 10),
  ],
  {
    points: points.map((point) => (point.host === 'dev4' ? { ...point, dropped: 12 } : point)),
    clocks: [
      { host: 'proxy', offsetUs: 12, boundUs: 20 },
      { host: 'dev3', offsetUs: -94_213_004, boundUs: 45 },
    ],
  },
);

/** The reply came in at nginx's host and went nowhere. */
export const insideHost = traced([
  { count: 37, end: 'vanished', path: query(1, 6), vanishedAfter: { host: 'proxy', iface: 'eth1' }, service, upstream: '172.16.0.11' },
  delivered(1, 3),
]);

export const refused = traced([
  {
    count: 4,
    end: 'refused',
    path: [
      ...query(2, 4),
      ...path(
        ['dev2 eth0 out', c, '172.16.0.12:53', 'ICMP type 3 code 3 from 172.16.0.12 about this packet', 'forward', 300],
        ['proxy eth1 in', c, '172.16.0.12:53', 'ICMP type 3 code 3 from 172.16.0.12 about this packet', 'forward', 331],
      ),
    ],
    service,
    upstream: '172.16.0.12',
  },
]);

/** The upstream's own address is still on the reply as the client gets it. */
export const misdelivered = traced([
  {
    count: 12,
    end: 'misdelivered',
    path: [
      ...query(1, 6),
      ...path(
        ['proxy eth0 out', '172.16.0.11:53', c, 'reply', 'reply', 455],
        ['client eth0 in', '172.16.0.11:53', c, 'reply', 'reply', 489],
        ['client eth0 out', '172.16.0.11:53', c, 'ICMP type 3 code 3 from 192.168.99.50 about this packet', 'reply', 512],
      ),
    ],
    endsAt: 7,
    service,
    upstream: '172.16.0.11',
  },
]);

/** Only nginx's host was captured. */
export const proxyAlone = traced([
  { count: 9, end: 'delivered', path: query(1, 7).filter(({ host }) => host === 'proxy'), service, upstream: '172.16.0.11' },
  {
    count: 2,
    end: 'vanished',
    path: query(2, 3).filter(({ host }) => host === 'proxy'),
    vanishedAfter: { host: 'proxy', iface: 'eth1' },
    service,
    upstream: '172.16.0.12',
  },
  { count: 1, end: 'ambiguous', path: query(2, 2).filter(({ host }) => host === 'proxy'), service },
]);

export const nothingSeen: Report = {
  ...traced([], { points: points.map((point) => ({ ...point, packets: 0 })) }),
  verdict: 'undetermined',
};

const evil = `h${attack}`;

export const hostileTrace = traced(
  [
    {
      count: 1,
      end: 'vanished',
      path: [
        {
          host: evil,
          iface: attack,
          dir: 'out',
          src: attack,
          dst: `x${'long'.repeat(80)}`,
          note: `${attack}, ${attack}`,
          leg: 'request',
          afterUs: 0,
        },
        {
          host: '日本語のホスト',
          iface: 'インタフェース',
          dir: 'in',
          src: attack,
          dst: 'y',
          note: 'z'.repeat(500),
          leg: 'request',
          afterUs: 1e15,
        },
      ],
      vanishedAfter: { host: evil, iface: attack },
      neverSeenBy: { host: attack, iface: attack },
      service: attack,
      upstream: attack,
    },
  ],
  {
    points: [{ host: evil, iface: attack, packets: 1, dropped: 1 }],
    clocks: [{ host: attack, offsetUs: 1e12, boundUs: 1 }],
  },
);
