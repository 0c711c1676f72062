import { familyOf, isAddress, prefixBounds, sameAddress } from '../net/address.js';
import { contains, parsePrefix } from '../net/prefix.js';
import type { WalkedClient } from '../path/walk.js';
import { connectedPrefixes, facingLink, factOf, owns, route, type Snapshots } from '../path/world.js';
import type { Family, Role, Service, Snapshot } from '../types.js';

const mostClients = 16;
const documentation: Record<Family, readonly string[]> = { 4: ['203.0.113.7', '198.51.100.7', '192.0.2.7'], 6: ['2001:db8::7'] };

/** The clients to reason about: those the user named, else those that hosts are and logs and sockets show, else a documentation address for each family that is listened on. */
export function findClients(
  snapshots: Snapshots,
  services: readonly Service[],
  roles: ReadonlyMap<string, readonly Role[]>,
  named: readonly string[],
): WalkedClient[] {
  const addresses =
    named.length > 0 ? named.flatMap(representatives) : [...clientHosts(snapshots, services, roles), ...seen(snapshots, services)];
  const known = [...new Set(addresses)].slice(0, mostClients).map((address) => ({ address, assumed: false }));
  const families = new Set(services.flatMap((service) => service.listeners.map((listener) => listener.family)));
  const missing = [...families].filter((family) => !known.some((client) => familyOf(client.address) === family));
  return [...known, ...missing.flatMap((family) => assumed(snapshots, services, family))];
}

/** Of a prefix its first and its last usable address; where two addresses or one are all it has, these (RFC 3021, RFC 6164). */
function representatives(text: string): string[] {
  const prefix = parsePrefix(text);
  if (!prefix || isAddress(text)) return [text];
  const bounds = prefixBounds(prefix.address, prefix.length);
  if (bounds && prefix.length >= (prefix.family === 4 ? 31 : 127)) return [...bounds];
  const inner = (address: string, step: 1 | -1) => address.replace(/[^.:]*$/, (last) => shift(last, step, prefix.family));
  return bounds ? [inner(bounds[0], 1), inner(bounds[1], -1)] : [];
}

function shift(last: string, step: 1 | -1, family: Family): string {
  const base = family === 4 ? 10 : 16;
  return (Number.parseInt(last === '' ? '0' : last, base) + step).toString(base);
}

/** Addresses that client hosts would ask from: those on links that face a proxy, or all when none does. */
function clientHosts(snapshots: Snapshots, services: readonly Service[], roles: ReadonlyMap<string, readonly Role[]>): string[] {
  const proxies = [...new Set(services.map((service) => service.host))];
  return [...snapshots.values()]
    .filter((snapshot) => roles.get(snapshot.host)?.includes('client'))
    .flatMap((snapshot) => ownAddresses(snapshots, snapshot, proxies));
}

function ownAddresses(snapshots: Snapshots, snapshot: Snapshot, proxies: readonly string[]): string[] {
  const usable = (factOf(snapshot, 'addresses') ?? []).filter((entry) => entry.scope !== 'host' && entry.scope !== 'link');
  const facing = usable.filter((entry) => proxies.some((proxy) => facingLink(snapshots, snapshot.host, entry.link, proxy) !== undefined));
  return (facing.length > 0 ? facing : usable).map((entry) => entry.address);
}

/**
 * Clients of logs and sockets. An access log does not say which service was asked: one that an upstream would reach directly counts
 * only where a socket or the error log ties it to a transparent service, and comes first, for such clients fail alone.
 */
function seen(snapshots: Snapshots, services: readonly Service[]): string[] {
  const transparent = services.filter((service) => service.mode !== 'plain');
  const proxies = [...new Set(transparent.map((service) => service.host))].map((host) => snapshots.get(host));
  const logged = proxies.flatMap((snapshot) => (factOf(snapshot, 'nginxClients') ?? []).map((client) => client.address)).reverse();
  const complaining = proxies.flatMap((snapshot) =>
    (factOf(snapshot, 'nginxErrors') ?? []).flatMap(({ client, upstream }) => (client && upstream ? [client] : [])),
  );
  const tied = [...peersOf(proxies, transparent), ...complaining];
  const outside = (addresses: readonly string[]) =>
    [...new Set(addresses)].filter(
      (address) => isAddress(address) && !isLoopback(address) && !proxies.some((proxy) => owns(proxy, address)),
    );
  const upstreams = [...snapshots.values()].filter((snapshot) =>
    services.some((service) => service.upstreams.some((upstream) => upstream.address && owns(snapshot, upstream.address))),
  );
  const isNear = (address: string) =>
    upstreams.some((host) => connectedPrefixes(host, familyOf(address) ?? 4).some(({ prefix }) => contains(prefix, address)));
  return [...outside(tied).filter(isNear), ...outside([...tied, ...logged]).filter((address) => !isNear(address))];
}

/** Peers of connections to the services' listening ports. */
function peersOf(proxies: readonly (Snapshot | undefined)[], services: readonly Service[]): string[] {
  const ports = new Set(services.flatMap((service) => service.listeners.map((listener) => listener.port)));
  const sockets = proxies.flatMap((snapshot) => factOf(snapshot, 'sockets') ?? []);
  return sockets.flatMap(({ localPort, peerPort, peerAddress }) => (peerPort && peerAddress && ports.has(localPort) ? [peerAddress] : []));
}

function isLoopback(address: string): boolean {
  return contains('127.0.0.0/8', address) || sameAddress(address, '::1');
}

/**
 * A documentation address (RFC 5737, RFC 3849) that no host is connected to. A proxy without a route there has no clients out there
 * either: then an address beside it stands in, on a link that leads to no upstream.
 */
function assumed(snapshots: Snapshots, services: readonly Service[], family: Family): WalkedClient[] {
  const hosts = [...snapshots.values()];
  const proxies = hosts.filter((host) => services.some((service) => service.host === host.host));
  const isConnected = (host: Snapshot, address: string) => connectedPrefixes(host, family).some(({ prefix }) => contains(prefix, address));
  const free = documentation[family].filter((address) => !hosts.some((host) => isConnected(host, address)));
  const isRouted = (address: string) => proxies.every((proxy) => route(proxy, { to: address }).answer?.type !== 'error');
  const upstreams = services.flatMap((service) => service.upstreams.flatMap(({ address }) => address ?? []));
  const beside = proxies
    .flatMap((proxy) => connectedPrefixes(proxy, family).filter(({ prefix }) => !upstreams.some((address) => contains(prefix, address))))
    .flatMap(({ prefix }) => representatives(prefix))
    .filter((address) => !hosts.some((host) => owns(host, address) || (!proxies.includes(host) && isConnected(host, address))));
  const chosen = free.find(isRouted) ?? beside[0] ?? free[0];
  return chosen === undefined ? [] : [{ address: chosen, assumed: true }];
}
