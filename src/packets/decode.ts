import { Decoded, Direction, type Headers } from './headers.js';
import { decodeIp } from './ip.js';
import { decodeLink } from './link.js';

const icmp = 1;
const icmpv6 = 58;
/** Destination unreachable, source quench, redirect, time exceeded, parameter problem (RFC 792). */
const icmpErrors: readonly number[] = [3, 4, 5, 11, 12];

/**
 * Decodes the frame in [start, end), of a LINKTYPE_ number, into headers that are used again for the next. `wireLength` is how long it was before the
 * capture cut it; only frames merged by offload, whose IP header gives no length, need it. Trailing padding is no payload.
 */
export function decode(bytes: Uint8Array, start: number, end: number, linkType: number, into: Headers, wireLength = end - start): Decoded {
  forget(into);
  return decodeLink(bytes, start, end, linkType, start + wireLength, into);
}

/**
 * Decodes the packet that an ICMP error quotes: `headers` are those of the error, decoded from the same bytes, and `into` are others. Errors quote as
 * little as 8 bytes after the IP header, so of TCP ports and sequence are all that can be counted on, and `cut` is the usual outcome.
 */
export function decodeQuoted(bytes: Uint8Array, headers: Headers, into: Headers): Decoded {
  forget(into);
  if (!isIcmpError(headers)) return Decoded.notIp;
  const { payloadStart, payloadEnd } = headers;
  return decodeIp(bytes, payloadStart, payloadEnd, payloadStart + 65_535, into);
}

/** Whether the packet is an ICMP or ICMPv6 error, which quotes the packet that it is about. */
export function isIcmpError({ protocol, icmpType, fragmentOffset }: Headers): boolean {
  if (fragmentOffset > 0) return false;
  return protocol === icmp ? icmpErrors.includes(icmpType) : protocol === icmpv6 && icmpType > 0 && icmpType < 128;
}

function forget(into: Headers): void {
  into.family = 4;
  into.protocol = 0;
  into.sourcePort = 0;
  into.destinationPort = 0;
  into.ttl = 0;
  into.ipId = 0;
  into.ipLength = 0;
  into.fragmentOffset = 0;
  into.moreFragments = false;
  into.tcpFlags = 0;
  into.tcpSequence = 0;
  into.tcpAcknowledgement = 0;
  into.icmpType = 0;
  into.icmpCode = 0;
  into.payloadStart = 0;
  into.payloadEnd = 0;
  into.payloadLength = 0;
  into.direction = Direction.unknown;
  into.interfaceIndex = 0;
  into.sourceMacAt = -1;
  into.destinationMacAt = -1;
  into.vlan = 0;
  const { source, destination } = into;
  source[0] = source[1] = source[2] = source[3] = 0;
  destination[0] = destination[1] = destination[2] = destination[3] = 0;
}
