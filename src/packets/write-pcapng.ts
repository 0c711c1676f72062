import { Direction } from './headers.js';
import { blockType, byteOrderMagic, optionCode } from './pcapng-layout.js';

export interface WrittenInterface {
  /** Shown by Wireshark as the interface of each packet: `host/iface`. */
  name: string;
  /** LINKTYPE_ number. */
  linkType: number;
}

export interface WrittenPacket {
  /** As `addInterface` returned it. */
  interface: number;
  bytes: Uint8Array;
  /** The frame is [start, end) of the bytes. */
  start: number;
  end: number;
  /** As long as it was on the wire. */
  wireLength: number;
  /** Microseconds since 1970; kept to the nanosecond, as far as a double has them. */
  timeUs: number;
  direction?: Direction;
  /** What Wireshark shows beside the packet; cut after 4096 bytes. */
  comment?: string;
}

const piece = 1 << 18;
const longestText = 4096;
const nanoseconds = 9;

/**
 * Writes one pcapng file, little endian with times in nanoseconds, piece by piece to `sink`; a piece is valid during the call only. Interfaces may be added
 * at any time before their first packet. Times need not be in order, yet readers show packets in the order of the file.
 */
export class PcapngWriter {
  private bytes = new Uint8Array(piece);
  private view = new DataView(this.bytes.buffer);
  private used = 0;
  private interfaces = 0;

  constructor(private readonly sink: (bytes: Uint8Array) => void) {
    this.block(blockType.section, 16, () => {
      this.u32(byteOrderMagic);
      this.u32(1); // Version 1.0.
      this.u32(0xffffffff); // The section's length, 64 bits: not known beforehand.
      this.u32(0xffffffff);
    });
  }

  /** Returns the number to write its packets with. */
  addInterface({ name, linkType }: WrittenInterface): number {
    const text = utf8(name);
    this.block(blockType.interface, 8 + optionLength(text.length) + optionLength(1) + 4, () => {
      this.u32(linkType);
      this.u32(0);
      this.option(optionCode.interfaceName, text);
      this.option(optionCode.timeResolution, Uint8Array.of(nanoseconds));
      this.u32(optionCode.end);
    });
    return this.interfaces++;
  }

  write({ interface: index, bytes, start, end, wireLength, timeUs, direction = Direction.unknown, comment }: WrittenPacket): void {
    const captured = end - start;
    const text = comment === undefined ? undefined : utf8(comment);
    const flags = direction === Direction.unknown ? 0 : optionLength(4);
    const options = flags + (text ? optionLength(text.length) : 0);
    this.block(blockType.enhancedPacket, 20 + padded(captured) + options + (options > 0 ? 4 : 0), () => {
      this.u32(index);
      this.time(timeUs);
      this.u32(captured);
      this.u32(wireLength);
      this.padded(bytes.subarray(start, end));
      if (flags > 0) this.option(optionCode.packetFlags, Uint8Array.of(direction, 0, 0, 0));
      if (text) this.option(optionCode.comment, text);
      if (options > 0) this.u32(optionCode.end);
    });
  }

  /** Says how many packets the interface had and how many of them were not captured. */
  writeCounts(index: number, timeUs: number, counts: { received: number; dropped: number }): void {
    this.block(blockType.interfaceStatistics, 12 + 2 * optionLength(8) + 4, () => {
      this.u32(index);
      this.time(timeUs);
      this.option(optionCode.received, number64(counts.received));
      this.option(optionCode.dropped, number64(counts.dropped));
      this.u32(optionCode.end);
    });
  }

  /** Hands on what has not been yet. To be called at the end. */
  flush(): void {
    if (this.used > 0) this.sink(this.bytes.subarray(0, this.used));
    this.used = 0;
  }

  private block(type: number, bodyLength: number, body: () => void): void {
    const length = 12 + bodyLength;
    if (this.used + length > this.bytes.length) this.makeRoom(length);
    this.u32(type);
    this.u32(length);
    body();
    this.u32(length);
  }

  private makeRoom(length: number): void {
    this.flush();
    if (length <= this.bytes.length) return;
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
  }

  private u32(value: number): void {
    this.view.setUint32(this.used, value, true);
    this.used += 4;
  }

  /** More nanoseconds than a double holds: 32 bits are multiplied at a time. */
  private time(timeUs: number): void {
    const whole = Math.max(0, Math.floor(timeUs));
    const fraction = Math.max(0, Math.round((timeUs - whole) * 1000));
    const high = Math.floor(whole / 2 ** 32);
    const low = (whole - high * 2 ** 32) * 1000 + fraction;
    this.u32(high * 1000 + Math.floor(low / 2 ** 32));
    this.u32(low % 2 ** 32);
  }

  private option(code: number, value: Uint8Array): void {
    this.u32(code | (value.length << 16));
    this.padded(value);
  }

  private padded(value: Uint8Array): void {
    this.bytes.set(value, this.used);
    this.bytes.fill(0, this.used + value.length, this.used + padded(value.length));
    this.used += padded(value.length);
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function optionLength(length: number): number {
  return 4 + padded(length);
}

function number64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** Cut between characters. */
function utf8(text: string): Uint8Array {
  const bytes = new Uint8Array(longestText);
  return bytes.subarray(0, new TextEncoder().encodeInto(text, bytes).written);
}
