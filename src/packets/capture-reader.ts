import { u16, u32, u32le } from './bytes.js';
import { type CaptureFormat, longestRecord, type OnFrame } from './capture-format.js';
import { PcapFormat } from './pcap.js';
import { PcapngFormat } from './pcapng.js';
import { blockType } from './pcapng-layout.js';

export type { FrameSource, OnFrame } from './capture-format.js';

/** How a capture ended. What is wrong with a file costs nothing of what came before: `packets` were handed on all the same. */
export type CaptureEnd = { ok: true; packets: number } | { ok: false; why: string; packets: number };

const magicLength = 4;
const microseconds = 0xa1b2c3d4;
const nanoseconds = 0xa1b23c4d;

/**
 * Reads a capture as its bytes come: pcap with times in micro- or nanoseconds, and pcapng, either byte order; which of them, its first bytes tell.
 * Nothing that the bytes say makes it throw, and its memory is one record, at most 16 MiB, whatever they say.
 */
export class CaptureReader {
  private format: CaptureFormat | undefined;
  private failure: string | undefined;
  /** The beginning of a record whose end has not come yet. */
  private carry = new Uint8Array(65_536);
  private carried = 0;
  /** Position in the whole capture of the first byte that has not been taken. */
  private offset = 0;

  constructor(private readonly onFrame: OnFrame) {}

  /** Hands on every frame that is whole with these bytes; they may be used anew afterwards. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (this.carried > 0 && at < chunk.length && this.failure === undefined) {
      const added = Math.min(this.needed() - this.carried, chunk.length - at);
      this.keep(chunk, at, at + added);
      at += added;
      if (this.carried === this.needed() && this.take(this.carry, 0, this.carried) > 0) this.carried = 0;
    }
    if (this.failure !== undefined || at === chunk.length) return;
    const taken = this.take(chunk, at, chunk.length);
    if (this.failure === undefined) this.keep(chunk, taken, chunk.length);
  }

  /** Nothing more can be read: further bytes are not looked at. */
  get isBroken(): boolean {
    return this.failure !== undefined;
  }

  /** Tells, when no more bytes will come, whether all of them made sense. */
  end(): CaptureEnd {
    const packets = this.format?.packets ?? 0;
    const why = this.failure ?? this.incomplete();
    return why === undefined ? { ok: true, packets } : { ok: false, why, packets };
  }

  /** Packets that the file itself says were seen and not captured; only pcapng can say so, and undefined is that it does not. */
  dropped(): number | undefined {
    return this.format?.dropped;
  }

  private incomplete(): string | undefined {
    if (this.format && this.carried === 0 && this.offset > 0) return undefined;
    if (this.format) return `truncated at byte ${this.offset + this.carried}`;
    return this.carried === 0 ? 'empty' : 'not a capture file';
  }

  private needed(): number {
    return this.format?.needed ?? magicLength;
  }

  private take(bytes: Uint8Array, start: number, end: number): number {
    if (!this.format && end - start >= magicLength) this.recognise(bytes, start);
    if (!this.format) return start;
    const taken = this.format.take(bytes, start, end);
    this.offset += taken - start;
    if (this.format.failure !== undefined) this.failure = `${this.format.failure} at byte ${this.offset}`;
    return taken;
  }

  private recognise(bytes: Uint8Array, at: number): void {
    const [big, little] = [u32(bytes, at), u32le(bytes, at)];
    if (big === blockType.section) this.format = new PcapngFormat(this.onFrame);
    else if (big === microseconds || little === microseconds) this.format = new PcapFormat(this.onFrame, little === microseconds, 1);
    else if (big === nanoseconds || little === nanoseconds) this.format = new PcapFormat(this.onFrame, little === nanoseconds, 1000);
    else this.failure = isCompressed(bytes, at) ? 'compressed: unpack it first' : 'not a capture file';
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    const wanted = this.carried + end - start;
    if (wanted > this.carry.length) {
      const larger = new Uint8Array(Math.min(2 * wanted, longestRecord));
      larger.set(this.carry.subarray(0, this.carried));
      this.carry = larger;
    }
    if (end > start) this.carry.set(bytes.subarray(start, end), this.carried);
    this.carried = wanted;
  }
}

/** gzip, zstd, xz, bzip2. */
function isCompressed(bytes: Uint8Array, at: number): boolean {
  return u16(bytes, at) === 0x1f8b || [0x28b52ffd, 0xfd377a58].includes(u32(bytes, at)) || u32(bytes, at) >>> 8 === 0x425a68;
}
