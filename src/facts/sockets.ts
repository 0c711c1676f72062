import { canonical } from '../net/address.js';
import type { Fact, Host, Socket } from '../types.js';
import { known, unknown } from './fact.js';

const files = [
  ['tcp', '/proc/net/tcp'],
  ['tcp', '/proc/net/tcp6'],
  ['udp', '/proc/net/udp'],
  ['udp', '/proc/net/udp6'],
] as const;

/** Sockets from /proc/net: `ss` could load the *_diag modules. Which process owns a socket is not in there and not asked. */
export async function read(host: Host): Promise<Fact<readonly Socket[]>> {
  const replies = await Promise.all(files.map(([, path]) => host({ read: path })));
  const [tcp, , udp] = replies;
  if (tcp && !tcp.ok) return unknown(`sockets: ${tcp.why}`);
  if (udp && !udp.ok) return unknown(`sockets: ${udp.why}`);
  return known(replies.flatMap((reply, index) => (reply.ok ? parseSockets(reply.text, files[index]?.[0] ?? 'tcp') : [])));
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
      /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) /.exec(line) ?? [];
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
