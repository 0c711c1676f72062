import { u16, u16le, u32, u32le } from './bytes.js';
import { type CaptureFormat, longestRecord, mostCaptured, type OnFrame } from './capture-format.js';
import { Direction } from './headers.js';
import { type CaptureInterface, readDropped, readInterface } from './pcapng-interface.js';
import { blockType, byteOrderMagic, eachOption, optionCode } from './pcapng-layout.js';

/** Type, length, and the byte order of a section header; no block is shorter. The first is a section header, or the format would not be known. */
const blockStart = 12;
/** Of one file: each is remembered. */
const mostInterfaces = 4096;

/** The newer format: blocks of any kind in sections, each section with its own byte order and interfaces, each interface with its own link type and clock. */
export class PcapngFormat implements CaptureFormat {
  needed = blockStart;
  packets = 0;
  failure: string | undefined;
  private littleEndian = true;
  /** Of this section; those before it have no more packets. */
  private interfaces: CaptureInterface[] = [];
  private readonly allInterfaces: CaptureInterface[] = [];

  constructor(private readonly onFrame: OnFrame) {}

  get dropped(): number | undefined {
    const told = this.allInterfaces.flatMap(({ dropped }) => dropped ?? []);
    return told.length > 0 ? told.reduce((sum, dropped) => sum + dropped) : undefined;
  }

  take(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (end - at >= blockStart) {
      const length = this.blockLength(bytes, at);
      if (length === 0) return at;
      if (length > end - at) {
        this.needed = length;
        return at;
      }
      if (this.u32(bytes, at + length - 4) !== length) this.failure = 'a block with two different lengths';
      else this.takeBlock(bytes, at, at + length - 4);
      if (this.failure !== undefined) return at;
      at += length;
    }
    this.needed = blockStart;
    return at;
  }

  /** 0 when it cannot be one. A section header is recognised in either byte order, and sets the order of all that follows. */
  private blockLength(bytes: Uint8Array, at: number): number {
    if (u32(bytes, at) === blockType.section) {
      const little = u32le(bytes, at + 8) === byteOrderMagic;
      if (!little && u32(bytes, at + 8) !== byteOrderMagic) {
        this.failure = 'a section of no byte order';
        return 0;
      }
      this.littleEndian = little;
    }
    const length = this.u32(bytes, at + 4);
    if (length >= blockStart && length <= longestRecord && length % 4 === 0) return length;
    this.failure = `a block of ${length} bytes`;
    return 0;
  }

  /** `end` is where the block's second length begins. */
  private takeBlock(bytes: Uint8Array, at: number, end: number): void {
    const body = at + 8;
    switch (this.u32(bytes, at)) {
      case blockType.enhancedPacket:
        this.takePacket(bytes, body, end, this.u32(bytes, body));
        break;
      case blockType.packet:
        this.takePacket(bytes, body, end, this.u16(bytes, body));
        break;
      case blockType.simplePacket:
        this.takeSimplePacket(bytes, body, end);
        break;
      case blockType.interface:
        this.addInterface(bytes, body, end);
        break;
      case blockType.interfaceStatistics:
        this.takeStatistics(bytes, body, end);
        break;
      case blockType.section:
        this.interfaces = [];
    }
  }

  /** An enhanced packet block, or the older packet block, which differs in its first four bytes alone. */
  private takePacket(bytes: Uint8Array, body: number, end: number, index: number): void {
    const data = body + 20;
    const source = this.interfaces[index];
    const captured = data <= end ? this.u32(bytes, body + 12) : mostCaptured + 1;
    if (!source || captured > mostCaptured || captured > end - data) {
      this.failure = source ? 'a packet longer than its block' : 'a packet of an interface that is not described';
      return;
    }
    const [high, low] = [this.u32(bytes, body + 4), this.u32(bytes, body + 8)];
    const { whole, rest, unitsPerUs, offsetUs } = source.clock;
    source.frames.direction = this.directionIn(bytes, data + ((captured + 3) & ~3), end);
    this.packets++;
    this.onFrame(
      bytes,
      data,
      captured,
      Math.max(captured, this.u32(bytes, body + 16)),
      high * whole + (high * rest + low) / unitsPerUs + offsetUs,
      source.frames,
    );
  }

  /** Belongs to the first interface, and has no time. */
  private takeSimplePacket(bytes: Uint8Array, body: number, end: number): void {
    const data = body + 4;
    const source = this.interfaces[0];
    if (!source || data > end) {
      this.failure = source ? 'a packet without a length' : 'a packet of an interface that is not described';
      return;
    }
    const wire = this.u32(bytes, body);
    const captured = Math.min(wire, end - data, source.snapLength || mostCaptured, mostCaptured);
    source.frames.direction = Direction.unknown;
    this.packets++;
    this.onFrame(bytes, data, captured, wire, 0, source.frames);
  }

  private addInterface(bytes: Uint8Array, body: number, end: number): void {
    const index = this.allInterfaces.length;
    if (body + 8 > end || index === mostInterfaces) {
      this.failure = body + 8 > end ? 'an interface without a link type' : `more than ${mostInterfaces} interfaces`;
      return;
    }
    const added = readInterface(bytes, body, end, this.littleEndian, index);
    this.interfaces.push(added);
    this.allInterfaces.push(added);
  }

  private takeStatistics(bytes: Uint8Array, body: number, end: number): void {
    const about = body + 12 <= end ? this.interfaces[this.u32(bytes, body)] : undefined;
    if (about) about.dropped = readDropped(bytes, body + 12, end, this.littleEndian) ?? about.dropped;
  }

  private directionIn(bytes: Uint8Array, at: number, end: number): Direction {
    let direction: Direction = Direction.unknown;
    if (end - at < 8) return direction;
    eachOption(bytes, at, end, this.littleEndian, (code, value, length) => {
      if (code !== optionCode.packetFlags || length !== 4) return;
      const bits = this.u32(bytes, value) & 3;
      if (bits === Direction.in || bits === Direction.out) direction = bits;
    });
    return direction;
  }

  private u16(bytes: Uint8Array, at: number): number {
    return this.littleEndian ? u16le(bytes, at) : u16(bytes, at);
  }

  private u32(bytes: Uint8Array, at: number): number {
    return this.littleEndian ? u32le(bytes, at) : u32(bytes, at);
  }
}
