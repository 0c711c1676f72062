import { familyOf, sameAddress } from '../net/address.js';
import type { Packet, Socket } from '../types.js';

const wildcards = new Set(['*', '0.0.0.0', '::']);

/** The socket that would take a packet, undefined when none would, `unknown` when the sockets were not read. */
export function findListener(
  sockets: readonly Socket[] | undefined,
  protocol: 'tcp' | 'udp',
  packet: Packet,
): Socket | undefined | 'unknown' {
  if (!sockets) return 'unknown';
  return sockets.find((socket) => socket.protocol === protocol && isOpen(socket) && takes(socket, packet));
}

/** A TCP socket that listens, or a UDP socket that is bound to no peer. */
export function isOpen(socket: Socket): boolean {
  return socket.protocol === 'tcp' ? socket.state === 'LISTEN' : socket.peerPort === undefined || socket.peerPort === 0;
}

function takes(socket: Socket, packet: Packet): boolean {
  if (socket.localPort !== packet.destinationPort) return false;
  if (!wildcards.has(socket.localAddress)) return sameAddress(socket.localAddress, packet.destination);
  if (socket.localAddress === '0.0.0.0') return packet.family === 4;
  // A socket on `::` takes IPv4 too unless it is v6only, which /proc does not tell: assume that it does.
  return packet.family === 6 || socket.v6only !== true;
}

/** Whether a socket is bound to any address of its family. */
export function isWildcard(socket: Socket): boolean {
  return wildcards.has(socket.localAddress) && familyOf(socket.localAddress) !== undefined;
}
