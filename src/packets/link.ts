import { u8, u16, u32, u32le } from './bytes.js';
import { Decoded, Direction, type Headers } from './headers.js';
import { decodeIp } from './ip.js';
import { decodeIpv4 } from './ipv4.js';
import { decodeIpv6 } from './ipv6.js';

const etherType = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, serviceVlan: 0x88a8, oldServiceVlan: 0x9100 } as const;
/** Of tags in a row; nothing real has more than two. */
const mostTags = 8;
/** ARPHRD_NETLINK: the protocol of such cooked frames is no Ethernet type. */
const netlink = 824;
/** PACKET_OUTGOING. */
const outgoing = 4;

/** The frame at `at`, by its LINKTYPE_ number; `wireEnd` is where it ended before the capture cut it. */
export function decodeLink(bytes: Uint8Array, at: number, end: number, linkType: number, wireEnd: number, into: Headers): Decoded {
  switch (linkType) {
    case 1:
      return decodeEthernet(bytes, at, end, wireEnd, into);
    case 113:
      return decodeCooked(bytes, at, end, wireEnd, into);
    case 276:
      return decodeCooked2(bytes, at, end, wireEnd, into);
    case 12: // Raw IP: the number differs by system, and two say the version beforehand.
    case 14:
    case 101:
    case 228:
    case 229:
      return decodeIp(bytes, at, end, wireEnd, into);
    case 0:
    case 108:
      return decodeLoopback(bytes, at, end, wireEnd, into);
    default:
      return Decoded.unknownLink;
  }
}

function decodeEthernet(bytes: Uint8Array, at: number, end: number, wireEnd: number, into: Headers): Decoded {
  if (end - at < 14) return Decoded.cut;
  into.destinationMacAt = at;
  into.sourceMacAt = at + 6;
  return decodeType(bytes, u16(bytes, at + 12), at + 14, end, wireEnd, into);
}

/** LINUX_SLL: what `any` gives, and interfaces without a link layer. */
function decodeCooked(bytes: Uint8Array, at: number, end: number, wireEnd: number, into: Headers): Decoded {
  if (end - at < 16) return Decoded.cut;
  into.direction = directionOf(u16(bytes, at));
  if (u16(bytes, at + 4) === 6) into.sourceMacAt = at + 6;
  return u16(bytes, at + 2) === netlink ? Decoded.notIp : decodeType(bytes, u16(bytes, at + 14), at + 16, end, wireEnd, into);
}

/** LINUX_SLL2 tells the interface, too. */
function decodeCooked2(bytes: Uint8Array, at: number, end: number, wireEnd: number, into: Headers): Decoded {
  if (end - at < 20) return Decoded.cut;
  into.interfaceIndex = u32(bytes, at + 4);
  into.direction = directionOf(u8(bytes, at + 10));
  if (u8(bytes, at + 11) === 6) into.sourceMacAt = at + 12;
  return u16(bytes, at + 8) === netlink ? Decoded.notIp : decodeType(bytes, u16(bytes, at), at + 20, end, wireEnd, into);
}

/** BSD loopback: an address family in the byte order of the machine that captured (0) or of the network (108). AF_INET is 2 on every system. */
function decodeLoopback(bytes: Uint8Array, at: number, end: number, wireEnd: number, into: Headers): Decoded {
  if (end - at < 4) return Decoded.cut;
  const family = Math.min(u32(bytes, at), u32le(bytes, at));
  const isIp = family === 2 || family === 10 || family === 24 || family === 28 || family === 30;
  return isIp ? decodeIp(bytes, at + 4, end, wireEnd, into) : Decoded.notIp;
}

/** What follows an Ethernet type, after any number of VLAN tags. */
function decodeType(bytes: Uint8Array, firstType: number, first: number, end: number, wireEnd: number, into: Headers): Decoded {
  let type = firstType;
  let at = first;
  for (let tags = 0; type === etherType.vlan || type === etherType.serviceVlan || type === etherType.oldServiceVlan; tags++) {
    if (end - at < 4) return Decoded.cut;
    if (tags === mostTags) return Decoded.malformed;
    if (tags === 0) into.vlan = u16(bytes, at) & 0xfff;
    type = u16(bytes, at + 2);
    at += 4;
  }
  if (type === etherType.ipv4) return decodeIpv4(bytes, at, end, wireEnd, into);
  return type === etherType.ipv6 ? decodeIpv6(bytes, at, end, wireEnd, into) : Decoded.notIp;
}

/** An Ethernet address as a number below 2^48. */
export function macAt(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 2 ** 32 + u32(bytes, at + 2);
}

/** Of the packet types of Linux: to this host, broadcast, multicast and seen in passing all came in. */
function directionOf(packetType: number): Direction {
  if (packetType > outgoing) return Direction.unknown;
  return packetType === outgoing ? Direction.out : Direction.in;
}
