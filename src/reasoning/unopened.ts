import { withPort } from '../net/address.js';
import { isOpen } from '../path/listening.js';
import { factOf } from '../path/world.js';
import type { Evidence, Service, Snapshot } from '../types.js';

/** Ports that the files say to listen on and no socket of the host has: nginx opens them when it takes the files. */
export function unopened(snapshot: Snapshot, services: readonly Service[]): Evidence[] {
  const sockets = factOf(snapshot, 'sockets')?.filter(isOpen);
  if (!sockets) return [];
  const closed = services
    .flatMap((service) => service.listeners)
    .filter(({ port, protocol }) => !sockets.some((socket) => socket.protocol === protocol && socket.localPort === port));
  return closed.map(({ address, family, port, at }) => ({
    host: snapshot.host,
    what: `listen ${withPort(address ?? (family === 4 ? '0.0.0.0' : '::'), port)}, but no socket is open there`,
    source: `${at.file}:${at.line}`,
  }));
}
