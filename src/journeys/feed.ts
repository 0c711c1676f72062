import { type CaptureEnd, CaptureReader } from '../packets/capture-reader.js';
import { decode, decodeQuoted, isIcmpError } from '../packets/decode.js';
import { readGist } from '../packets/gist.js';
import { Decoded, Direction, type Headers } from '../packets/headers.js';
import { macAt } from '../packets/link.js';
import { Packet } from '../packets/packet.js';

/** What is known of a capture beside its bytes. */
export interface Viewpoint {
  /** Ethernet addresses of the host: what they send goes out. */
  ownMacs: ReadonlySet<number>;
  /** Of all frames, where only one direction was captured. */
  direction?: Direction;
  /** The host's clock minus the first host's, in microseconds, as far as it is known before. */
  clockOffset: number;
}

/** Takes a packet and, where it is an ICMP error, what that quotes of another; all of it is valid during the call only. */
export type OnPacket = (packet: Packet, bytes: Uint8Array, quoted: Packet | undefined) => void;

/** Bytes of one capture in; packets out, with their directions and by the first host's clock as far as these are known. */
export class Feed {
  /** Of the last packet, in microseconds since the epoch. */
  time = 0;
  packets = 0;
  /** What could not be decoded: other protocols are no fault, malformed frames may be. */
  malformed = 0;
  private readonly packet = new Packet();
  private readonly inner = new Packet();
  private readonly reader: CaptureReader;
  /** A short list: to look a number of 48 bits up in a set takes longer. */
  private readonly ownMacs: readonly number[];

  constructor(
    private readonly viewpoint: Viewpoint,
    onPacket: OnPacket,
  ) {
    const { packet, inner } = this;
    const { headers } = packet;
    const { clockOffset } = viewpoint;
    this.ownMacs = [...viewpoint.ownMacs];
    this.reader = new CaptureReader((bytes, start, captured, wire, time, source) => {
      this.packets++;
      this.time = packet.time = time - clockOffset;
      const decoded = decode(bytes, start, start + captured, source.linkType, headers, wire);
      if (decoded !== Decoded.ip && decoded !== Decoded.cut) {
        if (decoded === Decoded.malformed) this.malformed++;
        return;
      }
      headers.direction = source.direction || this.directionOf(headers, bytes);
      readGist(bytes, headers, packet.gist);
      onPacket(packet, bytes, isIcmpError(headers) && this.readQuoted(bytes) ? inner : undefined);
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

  private directionOf(headers: Headers, bytes: Uint8Array): Direction {
    if (headers.direction !== Direction.unknown) return headers.direction;
    const { ownMacs, viewpoint } = this;
    if (viewpoint.direction !== undefined) return viewpoint.direction;
    if (ownMacs.length === 0) return Direction.unknown;
    if (headers.sourceMacAt >= 0 && ownMacs.includes(macAt(bytes, headers.sourceMacAt))) return Direction.out;
    if (headers.destinationMacAt >= 0 && ownMacs.includes(macAt(bytes, headers.destinationMacAt))) return Direction.in;
    return Direction.unknown;
  }

  /** An error quotes little: what there is of it is enough when it has the ports. */
  private readQuoted(bytes: Uint8Array): boolean {
    const { packet, inner } = this;
    const decoded = decodeQuoted(bytes, packet.headers, inner.headers);
    if (decoded !== Decoded.ip && decoded !== Decoded.cut) return false;
    inner.time = packet.time;
    readGist(bytes, inner.headers, inner.gist);
    return true;
  }
}
