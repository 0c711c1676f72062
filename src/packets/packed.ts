import type { Content, Gist } from './gist.js';
import type { Direction, Headers } from './headers.js';
import { Packet } from './packet.js';

/*
 * Packets between threads: of each what tells transactions apart, without its bytes, in 14 words of 32 bits (20 of IPv6). A packet that an ICMP error
 * quotes comes right after the error.
 */

const [wordsOfIpv4, wordsOfIpv6] = [14, 20];
/** Bits of a record's first word, above 8 of the point, 8 of the protocol and 8 of the TCP flags. */
const Bit = { direction: 24, isIpv6: 26, moreFragments: 27, isQuoting: 28, content: 29 } as const;

export type OnPackedPacket = (point: number, packet: Packet, quoted: Packet | undefined) => void;

/** A block of memory that packets are put into one after the other. */
export class PacketPacker {
  /** Words of 32 bits that are taken. */
  used = 0;
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;

  constructor(readonly block: ArrayBuffer) {
    this.words = new Int32Array(block);
    this.doubles = new Float64Array(block);
  }

  add(point: number, packet: Packet, quoted: Packet | undefined): void {
    this.put(point, packet, quoted !== undefined);
    if (quoted !== undefined) this.put(point, quoted, false);
  }

  private put(point: number, { headers, gist, time }: Packet, isQuoting: boolean): void {
    const { words, used } = this;
    const isIpv6 = headers.family === 6;
    const end = used + (isIpv6 ? wordsOfIpv6 : wordsOfIpv4);
    if (end > words.length) throw new RangeError('the block is full');
    this.doubles[used / 2 + 1] = time;
    words[used] = firstWord(point, headers, gist, isQuoting);
    words[used + 1] = headers.sourcePort | (headers.destinationPort << 16);
    words[used + 4] = headers.ipId;
    words[used + 5] = headers.ttl | (headers.icmpType << 8) | (headers.icmpCode << 16);
    words[used + 6] = headers.fragmentOffset | (gist.status << 16);
    words[used + 7] = headers.tcpSequence;
    words[used + 8] = headers.tcpAcknowledgement;
    words[used + 9] = headers.payloadLength;
    words[used + 10] = gist.high;
    words[used + 11] = gist.low;
    const { source, destination } = headers;
    let at = used + 12;
    for (let n = isIpv6 ? 0 : 3; n < 4; n++) words[at++] = source[n] as number;
    for (let n = isIpv6 ? 0 : 3; n < 4; n++) words[at++] = destination[n] as number;
    this.used = end;
  }
}

function firstWord(point: number, headers: Headers, { content }: Gist, isQuoting: boolean): number {
  return (
    point |
    (headers.protocol << 8) |
    (headers.tcpFlags << 16) |
    (headers.direction << Bit.direction) |
    ((headers.family === 6 ? 1 : 0) << Bit.isIpv6) |
    ((headers.moreFragments ? 1 : 0) << Bit.moreFragments) |
    ((isQuoting ? 1 : 0) << Bit.isQuoting) |
    (content << Bit.content)
  );
}

/** Takes packets out of blocks, always into the same two. */
export class PacketUnpacker {
  private readonly packet = new Packet();
  private readonly inner = new Packet();

  constructor(private readonly onPacket: OnPackedPacket) {}

  /** @param used words of 32 bits */
  unpack(block: ArrayBuffer, used: number): void {
    const words = new Int32Array(block);
    const doubles = new Float64Array(block);
    for (let at = 0; at < used; ) {
      const first = words[at] as number;
      at = take(words, doubles, at, this.packet);
      const isQuoting = ((first >>> Bit.isQuoting) & 1) === 1;
      if (isQuoting) at = take(words, doubles, at, this.inner);
      this.onPacket(first & 0xff, this.packet, isQuoting ? this.inner : undefined);
    }
  }
}

function take(words: Int32Array, doubles: Float64Array, at: number, packet: Packet): number {
  const { headers, gist } = packet;
  const first = words[at] as number;
  const isIpv6 = ((first >>> Bit.isIpv6) & 1) === 1;
  packet.time = doubles[at / 2 + 1] as number;
  headers.family = isIpv6 ? 6 : 4;
  headers.protocol = (first >>> 8) & 0xff;
  headers.tcpFlags = (first >>> 16) & 0xff;
  headers.direction = ((first >>> Bit.direction) & 3) as Direction;
  headers.moreFragments = ((first >>> Bit.moreFragments) & 1) === 1;
  gist.content = (first >>> Bit.content) as Content;
  const ports = words[at + 1] as number;
  headers.sourcePort = ports & 0xffff;
  headers.destinationPort = ports >>> 16;
  headers.ipId = (words[at + 4] as number) >>> 0;
  const small = words[at + 5] as number;
  headers.ttl = small & 0xff;
  headers.icmpType = (small >>> 8) & 0xff;
  headers.icmpCode = (small >>> 16) & 0xff;
  const pair = words[at + 6] as number;
  headers.fragmentOffset = pair & 0xffff;
  gist.status = pair >>> 16;
  headers.tcpSequence = (words[at + 7] as number) >>> 0;
  headers.tcpAcknowledgement = (words[at + 8] as number) >>> 0;
  headers.payloadLength = words[at + 9] as number;
  gist.high = words[at + 10] as number;
  gist.low = words[at + 11] as number;
  const { source, destination } = headers;
  if (isIpv6) {
    for (let n = 0; n < 4; n++) {
      source[n] = words[at + 12 + n] as number;
      destination[n] = words[at + 16 + n] as number;
    }
    return at + wordsOfIpv6;
  }
  source[0] = source[1] = source[2] = 0;
  destination[0] = destination[1] = destination[2] = 0;
  source[3] = words[at + 12] as number;
  destination[3] = words[at + 13] as number;
  return at + wordsOfIpv4;
}
