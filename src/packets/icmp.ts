import { u8 } from './bytes.js';
import type { Decoded, Headers } from './headers.js';
import { incomplete, keepPayload } from './payload.js';

const headerLength = 8;

/** ICMP and ICMPv6. The payload begins after the first 8 bytes: in an error, that is the packet it quotes. */
export function decodeIcmp(bytes: Uint8Array, at: number, end: number, limit: number, into: Headers): Decoded {
  const there = Math.min(end, limit) - at;
  if (there >= 2) {
    into.icmpType = u8(bytes, at);
    into.icmpCode = u8(bytes, at + 1);
  }
  return there < headerLength ? incomplete(at, limit, headerLength) : keepPayload(at + headerLength, end, limit, into);
}
