import { sameAddress } from '../net/address.js';
import { sysctl } from '../path/sysctls.js';
import { factOf, owns, type Snapshots } from '../path/world.js';
import type { Role, Service, Snapshot } from '../types.js';

/** What each host is in this setup, from the facts; roles that the user stated win. A host can have several. */
export function findRoles(
  snapshots: Snapshots,
  services: readonly Service[],
  stated: ReadonlyMap<string, readonly Role[]>,
): Map<string, readonly Role[]> {
  const nextHops = nextHopsOf(snapshots);
  return new Map(
    [...snapshots.values()].map((snapshot) => [snapshot.host, stated.get(snapshot.host) ?? rolesOf(snapshot, services, nextHops)]),
  );
}

function rolesOf(snapshot: Snapshot, services: readonly Service[], nextHops: ReadonlyMap<string, readonly string[]>): Role[] {
  const proxy = services.some((service) => service.host === snapshot.host);
  const upstream = services.some((service) => service.upstreams.some(({ address }) => address !== undefined && owns(snapshot, address)));
  const isNextHop = [...nextHops].some(
    ([host, addresses]) => host !== snapshot.host && addresses.some((address) => owns(snapshot, address)),
  );
  const router = isNextHop || (!proxy && !upstream && forwards(snapshot));
  const roles: Role[] = [
    ...(proxy ? (['proxy'] as const) : []),
    ...(router ? (['router'] as const) : []),
    ...(upstream ? (['upstream'] as const) : []),
  ];
  return roles.length > 0 ? roles : ['client'];
}

function nextHopsOf(snapshots: Snapshots): Map<string, readonly string[]> {
  const gateways = (snapshot: Snapshot) =>
    (factOf(snapshot, 'routes') ?? []).flatMap((route) => route.nextHops.flatMap(({ via }) => (via === undefined ? [] : [via])));
  return new Map([...snapshots.values()].map((snapshot) => [snapshot.host, [...new Set(gateways(snapshot))]]));
}

/** A laptop with one interface and ip_forward set (a container engine does that) is no router. */
function forwards(snapshot: Snapshot): boolean {
  const addresses = factOf(snapshot, 'addresses') ?? [];
  const links = new Set(
    addresses
      .filter((entry) => entry.scope !== 'host' && entry.scope !== 'link' && !sameAddress(entry.address, '127.0.0.1'))
      .map((entry) => entry.link),
  );
  return links.size > 1 && sysctl(factOf(snapshot, 'sysctls') ?? {}, 'net/ipv4/ip_forward') > 0;
}
