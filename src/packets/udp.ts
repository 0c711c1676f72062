import { u16 } from './bytes.js';
import { Decoded, type Headers } from './headers.js';
import { incomplete, keepPayload } from './payload.js';

const headerLength = 8;

/** Of a first fragment, the payload is what is in the fragment: the length in the header is that of the whole datagram. */
export function decodeUdp(bytes: Uint8Array, at: number, end: number, limit: number, into: Headers): Decoded {
  const there = Math.min(end, limit) - at;
  if (there >= 4) {
    into.sourcePort = u16(bytes, at);
    into.destinationPort = u16(bytes, at + 2);
  }
  if (there < headerLength) return incomplete(at, limit, headerLength);
  // 0 stands for what does not fit into 16 bits (RFC 2675).
  const length = into.moreFragments ? 0 : u16(bytes, at + 4);
  const datagramEnd = length === 0 ? limit : at + length;
  const done = keepPayload(at + headerLength, end, Math.min(datagramEnd, limit), into);
  return datagramEnd > limit ? Decoded.malformed : done;
}
