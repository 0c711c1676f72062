import { sameAddress } from '../net/address.js';
import type { Service } from '../types.js';
import { ownersOf, type Snapshots } from './world.js';

/** Whether a client is one of the service's own upstreams, which asks itself or its peers by way of nginx. */
export function isOwnClient(snapshots: Snapshots, service: Service, client: string): boolean {
  const asking = ownersOf(snapshots, client);
  return service.upstreams.some(
    ({ address }) =>
      address !== undefined &&
      (sameAddress(address, client) || ownersOf(snapshots, address).some((host) => host !== service.host && asking.includes(host))),
  );
}
