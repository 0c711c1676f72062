import { u8 } from './bytes.js';
import { Decoded, type Headers } from './headers.js';
import { decodeIpv4 } from './ipv4.js';
import { decodeIpv6 } from './ipv6.js';

/** Of whichever version the packet's first four bits say. `wireEnd` is where the frame ended before it was cut. */
export function decodeIp(bytes: Uint8Array, at: number, end: number, wireEnd: number, into: Headers): Decoded {
  if (at >= end) return Decoded.cut;
  const version = u8(bytes, at) >> 4;
  if (version === 4) return decodeIpv4(bytes, at, end, wireEnd, into);
  return version === 6 ? decodeIpv6(bytes, at, end, wireEnd, into) : Decoded.malformed;
}
