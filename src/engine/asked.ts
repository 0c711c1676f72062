import { familyOf, sameAddress } from '../net/address.js';
import { owns, type Snapshots } from '../path/world.js';
import type { Listener, Service } from '../types.js';

/** Where a client asks. */
export interface Asked {
  address: string;
  port: number;
  /** Both when absent. */
  protocol?: 'tcp' | 'udp';
}

/**
 * The services that answer at an address and port, each with just the listener that takes the request. The kernel prefers a socket that is bound to
 * the very address, so a wildcard of the same nginx gets nothing there.
 */
export function servicesAt(snapshots: Snapshots, services: readonly Service[], asked: Asked): Service[] {
  const fitting = services.flatMap((service) =>
    service.listeners.filter((listener) => fits(snapshots, service, listener, asked)).map((listener) => ({ service, listener })),
  );
  const bound = fitting.filter(({ listener }) => listener.address !== undefined);
  const isCovered = ({ service, listener }: (typeof fitting)[number]) =>
    listener.address === undefined &&
    bound.some(
      (other) =>
        other.service.host === service.host && other.service.master === service.master && other.listener.protocol === listener.protocol,
    );
  const taking = fitting.filter((each) => !isCovered(each));
  return taking
    .filter(({ service }, i) => taking.findIndex((other) => other.service === service) === i)
    .map(({ service, listener }) => ({ ...service, listeners: [{ ...listener, address: asked.address }] }));
}

function fits(snapshots: Snapshots, { host }: Service, listener: Listener, { address, port, protocol }: Asked): boolean {
  if (listener.port !== port || (protocol !== undefined && listener.protocol !== protocol)) return false;
  if (listener.address !== undefined) return sameAddress(listener.address, address);
  return listener.family === familyOf(address) && owns(snapshots.get(host), address);
}
