import { u8, u16, u32 } from './bytes.js';
import { Decoded, type Headers } from './headers.js';
import { keepPayload } from './payload.js';
import { decodeTransport } from './transport.js';

const headerLength = 40;
const fragmentHeader = 44;
const authentication = 51;
const noNextHeader = 59;
/** Extension headers that tell their own length: hop by hop, routing, authentication, destination options, mobility, HIP, shim6. */
const extensions: readonly number[] = [0, 43, authentication, 60, 135, 139, 140];

/** The IPv6 packet at `at`. `wireEnd` counts only where its payload length is 0, as in frames that offload merged beyond 64 kB. */
export function decodeIpv6(bytes: Uint8Array, at: number, end: number, wireEnd: number, into: Headers): Decoded {
  into.family = 6;
  if (end - at < headerLength) return Decoded.cut;
  const next = u8(bytes, at + 6);
  const saidLength = u16(bytes, at + 4);
  into.ipLength = saidLength === 0 && next !== noNextHeader ? wireEnd - at : headerLength + saidLength;
  into.protocol = next;
  into.ttl = u8(bytes, at + 7);
  for (let word = 0; word < 4; word++) {
    into.source[word] = u32(bytes, at + 8 + 4 * word);
    into.destination[word] = u32(bytes, at + 24 + 4 * word);
  }
  if (u8(bytes, at) >> 4 !== 6 || into.ipLength < headerLength) return Decoded.malformed;
  return decodeExtensions(bytes, at + headerLength, end, at + into.ipLength, into);
}

/** Goes through extension headers, each at least 8 bytes, up to what they carry. `limit` is where the packet ends by its own account. */
function decodeExtensions(bytes: Uint8Array, first: number, end: number, limit: number, into: Headers): Decoded {
  let at = first;
  while (into.protocol === fragmentHeader || extensions.includes(into.protocol)) {
    if (limit - at < 8) return Decoded.malformed;
    if (end - at < 8) return Decoded.cut;
    const kind = into.protocol;
    into.protocol = u8(bytes, at);
    if (kind === fragmentHeader) {
      keepFragment(bytes, at, into);
      if (into.fragmentOffset > 0) return keepPayload(at + 8, end, limit, into);
    }
    at += lengthOf(kind, u8(bytes, at + 1));
  }
  return decodeTransport(bytes, at, end, limit, into);
}

function lengthOf(kind: number, said: number): number {
  if (kind === fragmentHeader) return 8;
  return kind === authentication ? (said + 2) * 4 : (said + 1) * 8;
}

function keepFragment(bytes: Uint8Array, at: number, into: Headers): void {
  const offset = u16(bytes, at + 2);
  into.fragmentOffset = offset & 0xfff8;
  into.moreFragments = (offset & 1) !== 0;
  into.ipId = u32(bytes, at + 4);
}
