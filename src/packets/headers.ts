/** Which way a frame went through the interface it was seen on, as far as the capture itself says. */
export const Direction = { unknown: 0, in: 1, out: 2 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** How far a frame could be decoded. `cut`: the capture ends before all of the headers; what was decoded until then is kept, as it is in what is malformed. */
export const Decoded = { ip: 0, notIp: 1, cut: 2, malformed: 3, unknownLink: 4 } as const;
export type Decoded = (typeof Decoded)[keyof typeof Decoded];

/**
 * The headers of one packet, decoded in place. One instance is filled again and again, as an object for each of millions of packets would cost
 * more than all that is done with it: nothing of it outlives the call it is given to. Numbers are unsigned and 0 where there is none.
 */
export class Headers {
  family: 4 | 6 = 4;
  /** IP protocol after extension headers: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6. */
  protocol = 0;
  /** Addresses as 32-bit words in network order, most significant first. IPv4 is in the last, the others are 0. */
  readonly source = new Uint32Array(4);
  readonly destination = new Uint32Array(4);
  /** 0 for ICMP and for later fragments. */
  sourcePort = 0;
  destinationPort = 0;
  /** Hop limit in IPv6. */
  ttl = 0;
  /** Identification; of IPv6 only in fragments. */
  ipId = 0;
  /** Of the whole packet with its IP header, in bytes, as the header says; of an offload-merged frame that says 0, as the frame says. */
  ipLength = 0;
  /** In bytes. */
  fragmentOffset = 0;
  moreFragments = false;
  /** FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. */
  tcpFlags = 0;
  tcpSequence = 0;
  tcpAcknowledgement = 0;
  icmpType = 0;
  icmpCode = 0;
  /** Where the payload of TCP, UDP or ICMP is in the bytes that were captured: [start, end). */
  payloadStart = 0;
  payloadEnd = 0;
  /** What the headers say that it is long; more than `payloadEnd - payloadStart` where the capture cut it. */
  payloadLength = 0;
  direction: Direction = Direction.unknown;
  /** Of the cooked link types that tell it (LINUX_SLL2). */
  interfaceIndex = 0;
  /** Where the Ethernet addresses are in the bytes that were captured, for `macAt`; -1 where there is none. The cooked types have the source alone. */
  sourceMacAt = -1;
  destinationMacAt = -1;
  /** 802.1Q identifier of the outermost tag. */
  vlan = 0;
}
