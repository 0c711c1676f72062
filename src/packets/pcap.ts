import { u16, u16le, u32, u32le } from './bytes.js';
import { type CaptureFormat, type FrameSource, mostCaptured, type OnFrame } from './capture-format.js';
import { Direction } from './headers.js';

const fileHeader = 24;
const recordHeader = 16;

/** The classic format: a header of 24 bytes that names the one link type, and before each packet 16 bytes with time and lengths. */
export class PcapFormat implements CaptureFormat {
  needed = fileHeader;
  packets = 0;
  failure: string | undefined;
  readonly dropped = undefined;
  private inPackets = false;
  private readonly source: FrameSource = { linkType: 0, interfaceIndex: 0, interfaceName: undefined, direction: Direction.unknown };

  constructor(
    private readonly onFrame: OnFrame,
    private readonly littleEndian: boolean,
    /** 1, or 1000 where times are in nanoseconds. */
    private readonly unitsPerUs: number,
  ) {}

  take(bytes: Uint8Array, start: number, end: number): number {
    if (this.inPackets) return this.takePackets(bytes, start, end);
    if (end - start < fileHeader) return start;
    // The upper half tells of frame check sequences.
    this.source.linkType = this.littleEndian ? u16le(bytes, start + 20) : u16(bytes, start + 22);
    this.inPackets = true;
    return this.takePackets(bytes, start + fileHeader, end);
  }

  private takePackets(bytes: Uint8Array, start: number, end: number): number {
    const { littleEndian, unitsPerUs, source, onFrame } = this;
    const read = littleEndian ? u32le : u32;
    let at = start;
    while (end - at >= recordHeader) {
      const captured = read(bytes, at + 8);
      if (captured > mostCaptured) {
        this.failure = `a packet of ${captured} bytes`;
        return at;
      }
      const next = at + recordHeader + captured;
      if (next > end) {
        this.needed = recordHeader + captured;
        return at;
      }
      const timeUs = read(bytes, at) * 1e6 + read(bytes, at + 4) / unitsPerUs;
      this.packets++;
      onFrame(bytes, at + recordHeader, captured, Math.max(captured, read(bytes, at + 12)), timeUs, source);
      at = next;
    }
    this.needed = recordHeader;
    return at;
  }
}
