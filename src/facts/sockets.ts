import { canonical } from '../net/address.js';
import type { Fact, Host, Socket } from '../types.js';
import { known, unknown } from './fact.js';

const files = [
  ['tcp', '/proc/net/tcp'],
  ['tcp', '/proc/net/tcp6'],
  ['udp', '/proc/net/udp'],
  ['udp', '/proc/net/udp6'],
] as const;

/**
 * Sockets from /proc/net. Whether one on `::` refuses IPv4 only `ss` tells, and `ss` can load the *_diag modules: it is asked only
 * where they are loaded already, or where the kernel has no modules at all. Which process owns a socket is not asked: that would
 * mean reading every process's files.
 */
export async function read(host: Host): Promise<Fact<readonly Socket[]>> {
  const [replies, diagnosers, modules] = await Promise.all([
    Promise.all(files.map(([, path]) => host({ read: path }))),
    Promise.all(['tcp_diag', 'udp_diag'].map((module) => host({ glob: `/sys/module/${module}` }))),
    host({ glob: '/proc/modules' }),
  ]);
  const [tcp, , udp] = replies;
  if (tcp && !tcp.ok) return unknown(`sockets: ${tcp.why}`);
  if (udp && !udp.ok) return unknown(`sockets: ${udp.why}`);
  // Cut off is only what is connected: the kernel lists TCP listeners first (tcp_seq_start()). UDP has no such order.
  if (replies.some((reply, index) => reply.ok && reply.truncated && files[index]?.[0] === 'udp')) return unknown('sockets: too many');
  const loadsNothing = (modules.ok && modules.text === '') || diagnosers.every((reply) => reply.ok && reply.text !== '');
  const ss = loadsNothing ? await host({ run: ['ss', '-H', '-6', '-tuln', '-e'] }) : undefined;
  const sockets = replies.flatMap((reply, index) => (reply.ok ? parseSockets(reply.text, files[index]?.[0] ?? 'tcp') : []));
  return known(ss?.ok ? withV6only(sockets, ss.text) : sockets);
}

/** Marks wildcard sockets of IPv6 by the words `v6only:0` and `v6only:1` of `ss -6 -tuln -e`. */
export function withV6only(sockets: readonly Socket[], text: string): Socket[] {
  const told = new Map(
    [...text.matchAll(/^(tcp|udp)\s.*?\s(?:\*|\[::\]):(\d+)\s.*\bv6only:([01])/gm)].map(
      ([, protocol, port, value]) => [`${protocol} ${port}`, value === '1'] as const,
    ),
  );
  return sockets.map((socket) => {
    const v6only = socket.localAddress === '::' ? told.get(`${socket.protocol} ${socket.localPort}`) : undefined;
    return v6only === undefined ? socket : { ...socket, v6only };
  });
}

/** include/net/tcp_states.h */
const states = [
  '',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'NEW-SYN-RECV',
];

/** A table of /proc/net/{tcp,udp}{,6}: addresses are 32-bit words in the host's byte order (little endian), ports are plain hexadecimal. */
export function parseSockets(text: string, protocol: 'tcp' | 'udp'): Socket[] {
  return text.split('\n').flatMap((line): Socket[] => {
    const [, local, localPort, peer, peerPort, state] =
      /^ {0,8}\d+: ([0-9A-F]{8,32}):([0-9A-F]{4}) ([0-9A-F]{8,32}):([0-9A-F]{4}) ([0-9A-F]{2}) /.exec(line) ?? [];
    const [localAddress, peerAddress] = [addressOf(local), addressOf(peer)];
    if (localAddress === undefined || peerAddress === undefined || localPort === undefined || peerPort === undefined) return [];
    const other = Number.parseInt(peerPort, 16);
    return [
      {
        protocol,
        state: states[Number.parseInt(state ?? '0', 16)] ?? 'UNKNOWN',
        localAddress,
        localPort: Number.parseInt(localPort, 16),
        ...(other === 0 ? {} : { peerAddress, peerPort: other }),
      },
    ];
  });
}

function addressOf(hex: string | undefined): string | undefined {
  if (hex === undefined || (hex.length !== 8 && hex.length !== 32)) return undefined;
  const bytes = hex.match(/.{8}/g)?.flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16))) ?? [];
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16));
  return canonical(groups.join(':'));
}
