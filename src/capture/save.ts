import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CapturePlan } from './plan.js';
import { fileHeader, isLittleEndian, wholeLength } from './records.js';

/** The file that a capture is saved in. */
export interface SavedCapture {
  path: string;
  /** Takes the next bytes of the stream. Never throws. */
  write(chunk: Uint8Array): void;
  /** Forgets the packets that came until now. */
  restart(): void;
  /** Closes the file; it ends with a whole packet. */
  close(): void;
}

/**
 * Saves the streams of captures as they come, one file for each in a directory that is there: HOST-IFACE.pcap, or HOST-IFACE-in.pcap where a
 * capture has one direction. No file that exists is written over. The first thing that goes wrong is told through `warn`; a file that cannot be
 * continued, as on a full disk, keeps its whole packets, and whoever analyses the stream need not know. `alter` makes for each file what may change
 * packets in place before they are written; it is given whole ones, and the stream's own header first.
 */
export function saveInto(
  dir: string,
  warn: (text: string) => void,
  alter: () => (packets: Uint8Array) => void = () => () => undefined,
): (plan: CapturePlan) => SavedCapture {
  const taken = new Set<string>();
  let warned = false;
  const warnOnce = (path: string, error: unknown): void => {
    if (!warned) warn(`${path} was not saved whole: ${error instanceof Error ? error.message : String(error)}`);
    warned = true;
  };
  return (plan) => {
    const path = join(dir, freeName(plan, taken));
    return new CaptureFile(path, (error) => warnOnce(path, error), alter());
  };
}

class CaptureFile implements SavedCapture {
  private file: number | undefined;
  /** The beginning of a packet whose end has not come yet. */
  private pending: Buffer = Buffer.alloc(0);
  private written = 0;
  private littleEndian = true;

  constructor(
    readonly path: string,
    private readonly failed: (error: unknown) => void,
    private readonly alter: (packets: Uint8Array) => void,
  ) {
    this.attempt(() => {
      this.file = openSync(path, 'ax', 0o600);
    });
  }

  write(chunk: Uint8Array): void {
    const { file } = this;
    if (file === undefined) return;
    const bytes = Buffer.concat([this.pending, chunk]);
    if (this.written === 0) this.littleEndian = isLittleEndian(bytes);
    const whole = this.wholeOf(bytes);
    this.pending = bytes.subarray(whole);
    this.attempt(() => this.append(file, bytes.subarray(0, whole)));
  }

  restart(): void {
    const { file, written } = this;
    if (file === undefined || written <= fileHeader) return;
    this.attempt(() => {
      ftruncateSync(file, fileHeader);
      this.written = fileHeader;
    });
  }

  close(): void {
    const { file } = this;
    this.file = undefined;
    if (file !== undefined) this.attempt(() => closeSync(file));
  }

  private append(file: number, bytes: Buffer): void {
    let at = 0;
    this.alter(bytes);
    try {
      while (at < bytes.length) at += writeSync(file, bytes, at);
    } catch (error) {
      ftruncateSync(file, this.written + this.wholeOf(bytes.subarray(0, at)));
      throw error;
    }
    this.written += bytes.length;
  }

  private wholeOf(bytes: Buffer): number {
    return wholeLength(bytes, { atStart: this.written === 0, littleEndian: this.littleEndian });
  }

  private attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.failed(error);
      this.close();
    }
  }
}

function freeName({ host, iface, direction }: CapturePlan, taken: Set<string>): string {
  const words = [host, iface, ...(direction === undefined || iface === 'lo' ? [] : [direction])];
  const stem = words.map((word) => word.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 64)).join('-');
  const names = [stem, ...Array.from({ length: taken.size }, (_, index) => `${stem}-${index + 2}`)];
  const name = names.find((candidate) => !taken.has(candidate)) ?? stem;
  taken.add(name);
  return `${name}.pcap`;
}
