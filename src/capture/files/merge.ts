import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { ByteSource } from '../../journeys/offline.js';
import { CaptureReader } from '../../packets/capture-reader.js';
import { decode } from '../../packets/decode.js';
import { type Direction, Headers } from '../../packets/headers.js';
import { PcapngWriter } from '../../packets/write-pcapng.js';
import { openFile } from './open.js';

/** A capture file as one of several on a common timeline. */
export interface MergedCapture {
  path: string;
  /** Shown beside each of its packets: `host/iface`. */
  name: string;
  /** Takes a time of the file to the common clock; microseconds since the epoch. */
  correct(time: number): number;
  /** What to say of packets, by their time in the file. */
  remarks: readonly { time: number; port: number; text: string }[];
}

interface Frame {
  bytes: Uint8Array;
  wireLength: number;
  linkType: number;
  direction: Direction;
  /** By the file's own clock, and by the common one. */
  time: number;
  correctedTime: number;
}

/** Bytes of a capture that are taken apart at a time. */
const piece = 65_536;

/**
 * Writes the packets of all captures into one pcapng file, in the order of the common clock. It gets its name when it is whole: where something goes
 * wrong, as on a full disk, it throws and leaves nothing. Captures that end in the midst of a packet give what comes before.
 */
export function mergeCaptures(captures: readonly MergedCapture[], path: string): void {
  const unfinished = `${path}.part`;
  const file = openSync(unfinished, 'wx', 0o600);
  try {
    const writer = new PcapngWriter((bytes) => writeWhole(file, bytes));
    writeInOrder(
      captures.map((capture) => new Track(capture)),
      writer,
    );
    writer.flush();
    closeSync(file);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function writeInOrder(tracks: readonly Track[], writer: PcapngWriter): void {
  for (;;) {
    let earliest: Track | undefined;
    for (const track of tracks) {
      const { next } = track;
      if (next !== undefined && (earliest?.next === undefined || next.correctedTime < earliest.next.correctedTime)) earliest = track;
    }
    if (earliest === undefined) return;
    earliest.writeNext(writer);
  }
}

/** The frames of one capture, a piece at a time. */
class Track {
  private readonly source: ByteSource;
  private readonly reader: CaptureReader;
  private frames: Frame[] = [];
  private at = 0;
  /** Numbers of the interfaces in the file that is written, by their link types. */
  private readonly interfaces = new Map<number, number>();
  private readonly remarks: Remarks;

  constructor(private readonly capture: MergedCapture) {
    this.source = openFile(capture.path);
    this.remarks = new Remarks(capture.remarks);
    this.reader = new CaptureReader((bytes, start, length, wireLength, time, { linkType, direction }) => {
      const correctedTime = capture.correct(time);
      this.frames.push({ bytes: bytes.slice(start, start + length), wireLength, linkType, direction, time, correctedTime });
    });
  }

  get next(): Frame | undefined {
    while (this.at === this.frames.length) {
      [this.frames, this.at] = [[], 0];
      const chunk = this.reader.isBroken ? undefined : this.source.next(piece);
      if (chunk === undefined) return undefined;
      this.reader.push(chunk);
      // What several processors captured may be out of order by a little.
      this.frames.sort((a, b) => a.correctedTime - b.correctedTime);
    }
    return this.frames[this.at];
  }

  writeNext(writer: PcapngWriter): void {
    const frame = this.next;
    if (frame === undefined) return;
    this.at++;
    const { bytes, wireLength, linkType, direction, correctedTime } = frame;
    const number = this.interfaces.get(linkType) ?? writer.addInterface({ name: this.capture.name, linkType });
    this.interfaces.set(linkType, number);
    const comment = this.remarks.about(frame);
    writer.write({
      interface: number,
      bytes,
      start: 0,
      end: bytes.length,
      wireLength,
      timeUs: correctedTime,
      direction,
      ...(comment === undefined ? {} : { comment }),
    });
  }
}

/** Finds the packets that something is to be said of: their times are kept with less precision than files have. */
class Remarks {
  private readonly byTime = new Map<number, { port: number; text: string }[]>();
  private readonly headers = new Headers();

  constructor(remarks: MergedCapture['remarks']) {
    for (const { time, port, text } of remarks) {
      const same = this.byTime.get(Math.round(time)) ?? [];
      this.byTime.set(Math.round(time), [...same, { port, text }]);
    }
  }

  /** Each is said once. */
  about({ bytes, linkType, wireLength, time }: Frame): string | undefined {
    if (this.byTime.size === 0) return undefined;
    const whole = Math.round(time);
    for (const key of [whole, whole - 1, whole + 1]) {
      const candidates = this.byTime.get(key);
      if (candidates === undefined) continue;
      const { headers } = this;
      decode(bytes, 0, bytes.length, linkType, headers, wireLength);
      const { sourcePort, destinationPort } = headers;
      // ICMP errors and later fragments have no ports.
      const found = candidates.findIndex(({ port }) => port === sourcePort || port === destinationPort || sourcePort === 0);
      if (found >= 0) return candidates.splice(found, 1)[0]?.text;
    }
    return undefined;
  }
}
