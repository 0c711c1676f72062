import { Direction } from '../packets/headers.js';
import { macAt } from '../packets/link.js';
import type { Viewpoint } from './feed.js';
import { Standing } from './joiner.js';
import { isFrom } from './marks.js';
import type { OnPacketAt } from './offline.js';
import { Part, type TracedService } from './services.js';
import { marksPerSlot } from './slots.js';
import { type TracedPoint, Tracer } from './tracer.js';

/** Calls back for the first packets of each capture, in any order; the same ones each time it is called. */
export type Sample = (points: readonly Viewpoint[], see: OnPacketAt) => void;

/** What captures say of themselves before they are judged: whose Ethernet addresses are whose, which servers are upstreams, how far clocks are apart. */
export function learn(
  points: readonly TracedPoint[],
  services: readonly TracedService[],
  sample: Sample,
): { points: TracedPoint[]; services: TracedService[] } {
  const withMacs = learnMacs(points, sample);
  const known = services.some(({ upstreams }) => upstreams.length > 0);
  const tracer = new Tracer(withMacs, services, { capacity: 32_768 });
  sample(withMacs, (point, packet, _, quoted) => tracer.see(point, packet, quoted));
  const upstreams = known ? services.flatMap((service) => service.upstreams) : learnUpstreams(tracer);
  const named = known ? services : services.map((service) => ({ ...service, upstreams }));
  const standing = withMacs.map((point) => ({ ...point, ...standingOf(tracer, point.host, new Set(upstreams)) }));
  const placed = learnMacsByRequests(standing, named, sample);
  return { points: learnClocks(placed, named, sample), services: [...named] };
}

/** In the capture of a host that does not forward for others every frame is from or to it: an address that is in all of them is its own. */
function learnMacs(points: readonly TracedPoint[], sample: Sample): TracedPoint[] {
  const seen = points.map(() => ({ frames: 0, macs: new Map<number, number>() }));
  sample(points, (point, { headers: { sourceMacAt, destinationMacAt } }, bytes) => {
    const at = seen[point];
    if (!at || sourceMacAt < 0 || destinationMacAt < 0) return;
    const [sourceMac, destinationMac] = [macAt(bytes, sourceMacAt), macAt(bytes, destinationMacAt)];
    at.frames++;
    for (const mac of [sourceMac, destinationMac])
      if (at.macs.size < 256 || at.macs.has(mac)) at.macs.set(mac, (at.macs.get(mac) ?? 0) + 1);
  });
  const own = seen.map(({ frames, macs }) => [...macs].filter(([, count]) => frames > 0 && count >= frames).map(([mac]) => mac));
  return points.map((point, n) => {
    const [mac, other] = own[n] ?? [];
    // Two such addresses are the two ends of a link with nobody else on it.
    if (point.ownMacs.size > 0 || mac === undefined || other !== undefined) return point;
    return { ...point, ownMacs: new Set([mac]) };
  });
}

/** nginx's host is asked under one address and asks others itself; where no host shows that, what was asked first in a transaction is the service. */
function learnUpstreams(tracer: Tracer): string[] {
  const { joiner, points } = tracer;
  const { marks, endpoints } = joiner;
  const upstreams = new Set<number>();
  for (const host of new Set(points.map((point) => point.host))) {
    const asked = { in: new Set<number>(), out: new Set<number>() };
    for (let mark = 1; mark < marks.count; mark++) {
      if (isFrom(marks.kind[mark] as number) || points[marks.point[mark] as number]?.host !== host) continue;
      if (marks.direction[mark] === Direction.in) asked.in.add(marks.endpoint[mark] as number);
      if (marks.direction[mark] === Direction.out) asked.out.add(marks.endpoint[mark] as number);
    }
    const sends = [...asked.out].filter((endpoint) => !asked.in.has(endpoint));
    if ([...asked.in].some((endpoint) => !asked.out.has(endpoint))) for (const endpoint of sends) upstreams.add(endpoint);
  }
  if (upstreams.size === 0) for (const endpoint of askedAfter(tracer)) upstreams.add(endpoint);
  return [...upstreams].map((endpoint) => endpoints.addressOf(endpoint));
}

/** What one host saw of one server in one slot. */
interface Exchange {
  host: string;
  client: string;
  endpoint: number;
  from: number;
}

/**
 * nginx asks one or several upstreams under the client's address for what the client asks it: of the servers that one host saw asked by one client,
 * the service is the one that was asked most often, of equals the one that was asked first.
 */
function askedAfter(tracer: Tracer): Set<number> {
  const byClient = new Map<string, Map<number, { times: number; from: number }>>();
  for (const { host, client, endpoint, from } of exchangesOf(tracer)) {
    const asked = byClient.get(`${host} ${client}`) ?? new Map<number, { times: number; from: number }>();
    const known = asked.get(endpoint) ?? { times: 0, from };
    asked.set(endpoint, { times: known.times + 1, from: Math.min(known.from, from) });
    byClient.set(`${host} ${client}`, asked);
  }
  const votes = new Map<number, number>();
  for (const asked of byClient.values()) {
    if (asked.size < 2) continue;
    const [service, ...others] = [...asked].sort(([, a], [, b]) => (isAbout(a.times, b.times) ? a.from - b.from : b.times - a.times));
    if (service) votes.set(service[0], (votes.get(service[0]) ?? 0) - 1);
    for (const [endpoint] of others) votes.set(endpoint, (votes.get(endpoint) ?? 0) + 1);
  }
  return new Set([...votes].filter(([, count]) => count > 0).map(([endpoint]) => endpoint));
}

const isAbout = (a: number, b: number): boolean => Math.abs(a - b) <= 0.2 * Math.max(a, b);

function* exchangesOf({ joiner, points }: Tracer): Generator<Exchange> {
  const { slots, marks } = joiner;
  for (const slot of slots.opened()) {
    const seen = new Map<string, Exchange>();
    const client = slots.client.subarray(slot * 4, slot * 4 + 4).join('.');
    for (let at = slot * marksPerSlot; at < slot * marksPerSlot + (slots.markCount[slot] as number); at++) {
      const mark = slots.mark[at] as number;
      if (isFrom(marks.kind[mark] as number)) continue;
      const endpoint = marks.endpoint[mark] as number;
      const host = points[marks.point[mark] as number]?.host ?? '';
      const time = (slots.first[slot] as number) + (slots.after[at] as number);
      const exchange = seen.get(`${host} ${endpoint}`) ?? { host, client, endpoint, from: time };
      seen.set(`${host} ${endpoint}`, { ...exchange, from: Math.min(exchange.from, time) });
    }
    yield* seen.values();
  }
}

/** Where nginx's host is known by what it saw, others are in front of it or behind. */
function standingOf({ joiner, points }: Tracer, host: string, upstreams: ReadonlySet<string>): { standing?: Standing } {
  const { marks, endpoints } = joiner;
  const saw = { service: false, upstream: false };
  for (let mark = 1; mark < marks.count; mark++) {
    if (points[marks.point[mark] as number]?.host !== host || isFrom(marks.kind[mark] as number)) continue;
    const endpoint = marks.endpoint[mark] as number;
    if (endpoints.parts[endpoint] === Part.upstream || upstreams.has(endpoints.addressOf(endpoint))) saw.upstream = true;
    else saw.service = true;
  }
  if (saw.service && saw.upstream) return { standing: Standing.nginx };
  if (upstreams.size === 0 || (!saw.service && !saw.upstream)) return {};
  return { standing: saw.service ? Standing.client : Standing.upstream };
}

/** A request comes to nginx and to upstreams, and goes from clients: whose its Ethernet addresses are is known then, for packets that went astray too. */
function learnMacsByRequests(points: readonly TracedPoint[], services: readonly TracedService[], sample: Sample): TracedPoint[] {
  const { endpoints } = new Tracer(points, services, { capacity: 16 }).joiner;
  const own = points.map(() => new Set<number>());
  sample(points, (point, { headers }, bytes) => {
    const { standing = Standing.unknown, ownMacs } = points[point] as TracedPoint;
    if (standing === Standing.unknown || ownMacs.size > 0 || headers.sourceMacAt < 0 || headers.destinationMacAt < 0) return;
    if (!endpoints.isServer(headers.protocol, headers.destinationPort) || endpoints.isServer(headers.protocol, headers.sourcePort)) return;
    const endpoint = endpoints.numberOf(headers.protocol, headers.family, headers.destination, headers.destinationPort, true);
    const sends = standing === Standing.client || (standing === Standing.nginx && endpoints.parts[endpoint] === Part.upstream);
    own[point]?.add(macAt(bytes, sends ? headers.sourceMacAt : headers.destinationMacAt));
  });
  return points.map((point, n) => (own[n]?.size === 1 ? { ...point, ownMacs: own[n] } : point));
}

function learnClocks(points: readonly TracedPoint[], services: readonly TracedService[], sample: Sample): TracedPoint[] {
  const tracer = new Tracer(points, services, { capacity: 32_768 });
  sample(points, (point, packet, _, quoted) => tracer.see(point, packet, quoted));
  const rough = tracer.finish().clocks.rough();
  return points.map((point) => ({ ...point, clockOffset: point.clockOffset + (rough.get(point.host) ?? 0) }));
}
