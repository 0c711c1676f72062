import { sameAddress } from '../net/address.js';
import { contains } from '../net/prefix.js';
import { lookup } from '../path/fib.js';
import { isOpen } from '../path/listening.js';
import { factOf, routingState } from '../path/world.js';
import type { Route, Snapshot, Socket, Walk } from '../types.js';

/** Where a datagram that names no source of its own would go out, and the address it would get. */
export interface Preferred {
  route: Route;
  source: string;
}

/**
 * The source that IPv4 gives a datagram to `to` from an unbound socket: the route's own (`src`), else the first address on the link whose
 * subnet has the gateway, else the first one there (inet_select_addr()). Undefined where that is not known.
 */
export function preferredSource(snapshot: Snapshot | undefined, to: string): Preferred | undefined {
  const state = routingState(snapshot);
  if (!state) return undefined;
  const found = lookup(state, { family: 4, to, iif: 'lo', mark: 0 });
  if (found.found !== 'route' || found.hops.length !== 1) return undefined;
  const { via, link } = found.hop;
  const near = state.addresses.filter((entry) => entry.link === link && entry.family === 4 && entry.scope === 'global');
  const beside = near.find((entry) => via !== undefined && contains(`${entry.address}/${entry.prefixLength}`, via));
  const source = found.route.source ?? (beside ?? near[0])?.address;
  return source === undefined ? undefined : { route: found.route, source };
}

/** The wildcard socket that takes a UDP walk's datagrams on the upstream, where none is bound to the very address. */
export function wildcardSocket(snapshot: Snapshot | undefined, { upstream }: Walk): Socket | undefined {
  const open = (factOf(snapshot, 'sockets') ?? []).filter(
    (socket) => socket.protocol === 'udp' && isOpen(socket) && socket.localPort === upstream.port,
  );
  if (open.some(({ localAddress }) => sameAddress(localAddress, upstream.address))) return undefined;
  return open.find(({ localAddress, v6only }) => localAddress === '0.0.0.0' || (localAddress === '::' && v6only !== true));
}
