import type { TracedService } from '../journeys/services.js';
import { factOf } from '../path/world.js';
import type { Case, Service } from '../types.js';

export interface TraceWish {
  /** Listening ports; all services that are not plain when empty. */
  ports: readonly number[];
  /** Where no configuration tells the upstreams' ports. */
  upstreamPorts: readonly number[];
  protocol?: 'tcp' | 'udp';
}

/** The services whose packets are to be followed: those of the configuration, else what the ports alone say. */
export function tracedServices(c: Case, { ports, upstreamPorts, protocol }: TraceWish): TracedService[] {
  const isWanted = (service: Service) =>
    (ports.length > 0 ? service.listeners.some(({ port }) => ports.includes(port)) : service.mode !== 'plain') &&
    (protocol === undefined || (service.protocol === 'udp') === (protocol === 'udp'));
  const known = c.services.filter(isWanted).flatMap((service) => traced(service, ports));
  if (known.length > 0 || c.services.length > 0) return known;
  const protocols = protocol === undefined ? (['udp', 'tcp'] as const) : [protocol];
  return ports.flatMap((port) =>
    protocols.map((each) => ({
      protocol: each,
      port,
      upstreamPorts: upstreamPorts.length > 0 ? upstreamPorts : [port],
      upstreams: [],
      answersTo: 'unknown' as const,
    })),
  );
}

function traced(service: Service, ports: readonly number[]): TracedService[] {
  const listening = [...new Set(service.listeners.map(({ port }) => port))].filter((port) => ports.length === 0 || ports.includes(port));
  return listening.map((port) => ({
    id: service.id,
    host: service.host,
    protocol: service.protocol === 'udp' ? ('udp' as const) : ('tcp' as const),
    port,
    upstreamPorts: [...new Set(service.upstreams.map((upstream) => upstream.port))],
    upstreams: service.upstreams.flatMap(({ address }) => address ?? []),
    answersTo: answersTo(service),
  }));
}

function answersTo({ mode }: Service): TracedService['answersTo'] {
  if (mode === 'one-way') return 'nobody';
  return mode === 'transparent' || mode === 'plain' ? 'nginx' : 'client';
}

/** Ethernet addresses of a host's interfaces, as numbers below 2^48. */
export function ownMacs(c: Case, host: string): Set<number> {
  const links = factOf(c.snapshots.get(host), 'links') ?? [];
  return new Set(links.flatMap(({ mac }) => (mac === undefined ? [] : macNumber(mac))));
}

/** One number, or none where it is no address of an interface's own. */
export function macNumber(mac: string): number[] {
  const number = Number.parseInt(mac.replaceAll(':', ''), 16);
  return Number.isNaN(number) || number === 0 ? [] : [number];
}
