import type { Decoded, Headers } from './headers.js';
import { decodeIcmp } from './icmp.js';
import { keepPayload } from './payload.js';
import { decodeTcp } from './tcp.js';
import { decodeUdp } from './udp.js';

/** What an unfragmented packet or a first fragment carries at `at`. `limit` is where the packet ends by its own account, `end` where the capture ends. */
export function decodeTransport(bytes: Uint8Array, at: number, end: number, limit: number, into: Headers): Decoded {
  switch (into.protocol) {
    case 17:
      return decodeUdp(bytes, at, end, limit, into);
    case 6:
      return decodeTcp(bytes, at, end, limit, into);
    case 1:
    case 58:
      return decodeIcmp(bytes, at, end, limit, into);
    default:
      return keepPayload(at, end, limit, into);
  }
}
