import { type CaptureEnd, CaptureReader } from '../packets/capture-reader.js';
import { decode, decodeQuoted, isIcmpError } from '../packets/decode.js';
import { Decoded, Headers } from '../packets/headers.js';

/** Takes a decoded packet; all of it is valid during the call only. Times are microseconds since the epoch. */
export type OnPacket = (headers: Headers, bytes: Uint8Array, time: number, quoted: Headers | undefined) => void;

/** Bytes of one capture in, decoded packets out. */
export class Feed {
  /** Of the last packet, in microseconds since the epoch. */
  time = 0;
  packets = 0;
  /** What could not be decoded: other protocols are no fault, malformed frames may be. */
  malformed = 0;
  private readonly headers = new Headers();
  private readonly inner = new Headers();
  private readonly reader: CaptureReader;

  constructor(onPacket: OnPacket) {
    const { headers, inner } = this;
    this.reader = new CaptureReader((bytes, start, captured, wire, time, source) => {
      this.packets++;
      this.time = time;
      const decoded = decode(bytes, start, start + captured, source.linkType, headers, wire);
      if (decoded !== Decoded.ip && decoded !== Decoded.cut) {
        if (decoded === Decoded.malformed) this.malformed++;
        return;
      }
      if (source.direction !== 0) headers.direction = source.direction;
      onPacket(headers, bytes, time, isIcmpError(headers) && quotes(decodeQuoted(bytes, headers, inner)) ? inner : undefined);
    });
  }

  push(chunk: Uint8Array): void {
    this.reader.push(chunk);
  }

  /** What comes after this is not looked at. */
  get isBroken(): boolean {
    return this.reader.isBroken;
  }

  /** Packets that the capture itself says it missed; undefined where it says nothing of it. */
  dropped(): number | undefined {
    return this.reader.dropped();
  }

  end(): CaptureEnd {
    return this.reader.end();
  }
}

/** An error quotes little: what there is of it is enough when it has the ports. */
const quotes = (decoded: Decoded): boolean => decoded === Decoded.ip || decoded === Decoded.cut;
