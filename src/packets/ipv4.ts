import { u8, u16, u32 } from './bytes.js';
import { Decoded, type Headers } from './headers.js';
import { keepPayload } from './payload.js';
import { decodeTransport } from './transport.js';

const shortestHeader = 20;

/** The IPv4 packet at `at`. `wireEnd` counts only where its total length is 0, as in frames that offload merged beyond 64 kB. */
export function decodeIpv4(bytes: Uint8Array, at: number, end: number, wireEnd: number, into: Headers): Decoded {
  into.family = 4;
  if (end - at < shortestHeader) return Decoded.cut;
  const headerLength = (u8(bytes, at) & 15) * 4;
  const length = u16(bytes, at + 2) || wireEnd - at;
  const fragment = u16(bytes, at + 6);
  into.ipLength = length;
  into.ipId = u16(bytes, at + 4);
  into.moreFragments = (fragment & 0x2000) !== 0;
  into.fragmentOffset = (fragment & 0x1fff) * 8;
  into.ttl = u8(bytes, at + 8);
  into.protocol = u8(bytes, at + 9);
  into.source[3] = u32(bytes, at + 12);
  into.destination[3] = u32(bytes, at + 16);

  if (u8(bytes, at) >> 4 !== 4 || headerLength < shortestHeader || headerLength > length) return Decoded.malformed;
  const body = at + headerLength;
  if (into.fragmentOffset > 0) return keepPayload(body, end, at + length, into);
  return decodeTransport(bytes, body, end, at + length, into);
}
