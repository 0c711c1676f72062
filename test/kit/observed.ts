import type { CaseOptions } from '../../src/engine/case.js';
import { loadRules } from '../../src/engine/catalogue.js';
import { diagnose } from '../../src/engine/diagnose.js';
import type { Diagnosis, Observation, PacketLeg, PatternStep, PointCount, TracePattern } from '../../src/types.js';
import { articleCase, type Change, client, upstreams, vip } from './article.js';
import { broughtAbout } from './standing-risks.js';

const rules = await loadRules();

/** Every link of the article's setup, each with packets and without drops. */
export const everyPoint: readonly PointCount[] = [
  'client eth0',
  'proxy eth0',
  'proxy eth1',
  ...upstreams.map((name) => `${name} eth0`),
].map((place) => {
  const [host = '', iface = ''] = place.split(' ');
  return { host, iface, packets: 40, dropped: 0 };
});

/** Points as they are but for those that are named. */
export function points(change: Readonly<Record<string, Partial<PointCount> | undefined>>): PointCount[] {
  return everyPoint.flatMap((point) => {
    const name = `${point.host} ${point.iface}`;
    if (!Object.hasOwn(change, name)) return [point];
    const changed = change[name];
    return changed ? [{ ...point, ...changed }] : [];
  });
}

/** What was captured. */
export function observation(patterns: readonly TracePattern[], of: Partial<Observation> = {}): Observation {
  const count = (isCounted: (pattern: TracePattern) => boolean) =>
    patterns.filter(isCounted).reduce((sum, pattern) => sum + pattern.count, 0);
  return {
    window: { from: '2026-02-03T02:14:07.000Z', to: '2026-02-03T02:14:19.000Z' },
    points: [...everyPoint],
    transactions: {
      total: count(() => true),
      complete: count(({ end }) => end === 'delivered'),
      failed: count(({ end }) => end !== 'delivered' && end !== 'ambiguous'),
      ambiguous: count(({ end }) => end === 'ambiguous'),
    },
    patterns: [...patterns],
    clocks: [],
    counters: [],
    ...of,
  };
}

/** Sightings of a DNS query by Direct Server Return through one upstream, there and back; a packet in each leg. */
export function dnsWay(n: 1 | 2 | 3 | 4, clientPort = 41234): PatternStep[] {
  const [from, up, own] = [`${client}:${clientPort}`, `172.16.0.1${n}:53`, `${vip}:53`];
  return [
    step('client eth0 out', from, own, 'request'),
    step('proxy eth0 in', from, own, 'request'),
    step('proxy eth1 out', from, up, 'forward'),
    step(`dev${n} eth0 in`, from, up, 'forward'),
    step(`dev${n} eth0 out`, up, from, 'reply'),
    step('proxy eth1 in', up, from, 'reply'),
    step('proxy eth0 out', own, from, 'answer'),
    step('client eth0 in', own, from, 'answer'),
  ];
}

/** The same of a connection by method 1: nginx opens one of its own, under the client's address. */
export function webWay(n: 1 | 2 | 3 | 4): PatternStep[] {
  const [from, own, bound, up] = [`${client}:41234`, `${vip}:80`, `${client}:50012`, `172.16.0.1${n}:80`];
  return [
    step('client eth0 out', from, own, 'request'),
    step('proxy eth0 in', from, own, 'request'),
    step('proxy eth1 out', bound, up, 'forward'),
    step(`dev${n} eth0 in`, bound, up, 'forward'),
    step(`dev${n} eth0 out`, up, bound, 'reply'),
    step('proxy eth1 in', up, bound, 'reply'),
    step('proxy eth0 out', own, from, 'answer'),
    step('client eth0 in', own, from, 'answer'),
  ];
}

export function step(place: string, src: string, dst: string, leg: PacketLeg): PatternStep {
  const [host = '', iface = '', dir] = place.split(' ');
  return { host, iface, dir: dir === 'out' ? 'out' : 'in', src, dst, leg };
}

/** A way with every IPv4 address made one of IPv6. */
export function inVersion6(way: readonly PatternStep[]): PatternStep[] {
  const other = (endpoint: string) =>
    endpoint.replace(/^192\.168\.99\.(\d+)/, '[fd00:99::$1]').replace(/^172\.16\.0\.(\d+)/, '[fd00:16::$1]');
  return way.map((one) => ({ ...one, src: other(one.src), dst: other(one.dst) }));
}

/** A pattern that vanished after so many sightings of a way. */
export function vanished(way: readonly PatternStep[], after: number, more: Partial<TracePattern> = {}): TracePattern {
  const last = way[after - 1];
  return { ...ended(way.slice(0, after), 'vanished', more), ...(last ? { vanishedAfter: { host: last.host, iface: last.iface } } : {}) };
}

export function ended(path: readonly PatternStep[], end: TracePattern['end'], more: Partial<TracePattern> = {}): TracePattern {
  const upstream = path.find(({ leg }) => leg === 'forward')?.dst.replace(/:\d+$/, '');
  const service = path[0]?.dst.endsWith(':80') ? 'http:80/#web' : 'udp:53';
  return { count: 10, end, path: [...path], service, ...(upstream === undefined ? {} : { upstream }), ...more };
}

/** What every rule together concludes of the article's hosts, broken as asked, and these packets; standing risks left out. */
export function diagnosesWith(observed: Observation, change: Change | readonly Change[] = []): Diagnosis[] {
  const options: CaseOptions = { clients: [], roles: new Map() };
  return broughtAbout(diagnose({ ...articleCase({ change }), observed }, rules, options).diagnoses);
}
