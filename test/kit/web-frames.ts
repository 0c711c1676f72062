import { ethernet, etherTypes, ipv4, protocols, tcp } from './frames.js';

const recordHeader = 16;
/** What is kept of each frame: headers and the beginning of what they carry. */
const kept = 128;
const network = 14;
const transport = network + 20;
const payload = transport + 20;

/** One TCP segment, or several of them that a network card or its driver took for one: up to 64 KB behind one header. */
export interface Segment {
  /** Ethernet addresses by the end of them. */
  macs: readonly [source: number, destination: number];
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  flags: number;
  sequence: number;
  acknowledgement: number;
  length: number;
  /** What the payload begins with; the rest is filled. */
  text: string;
}

/** Frames of one point in any order of time; a capture file of them in their order. */
export class Capture {
  packets = 0;
  private bytes = new Uint8Array(1 << 20);
  private used = 0;
  private readonly times: number[] = [];
  private readonly starts: number[] = [];
  private readonly templates = new Map<string, Uint8Array>();

  /** @param timeUs by the host's own clock, microseconds since the epoch */
  add(timeUs: number, segment: Segment): void {
    if (this.used + recordHeader + kept > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    const at = this.used;
    const whole = payload + segment.length;
    const captured = Math.min(kept, whole);
    const view = new DataView(this.bytes.buffer, at);
    const told = Math.floor(timeUs);
    for (const [n, word] of [Math.floor(told / 1e6), told % 1e6, captured, whole].entries()) view.setUint32(4 * n, word, true);
    this.bytes.set(this.templateOf(segment), at + recordHeader);
    this.fill(new DataView(this.bytes.buffer, at + recordHeader), segment);
    const text = segment.length > 0 ? segment.text : '';
    for (let n = 0; n < text.length && payload + n < captured; n++) this.bytes[at + recordHeader + payload + n] = text.charCodeAt(n);
    this.times.push(told);
    this.starts.push(at);
    this.used += recordHeader + captured;
    this.packets++;
  }

  /** In pcap format: microseconds, little endian, Ethernet. */
  file(): Uint8Array {
    const order = Uint32Array.from(this.times.keys()).sort((a, b) => (this.times[a] ?? 0) - (this.times[b] ?? 0));
    const file = Buffer.alloc(24 + this.used);
    for (const [n, word] of [0xa1b2c3d4, 0x00040002, 0, 0, kept, 1].entries()) file.writeUInt32LE(word, 4 * n);
    let to = 24;
    for (const record of order) {
      const [start = 0, end = this.used] = [this.starts[record], this.starts[record + 1]];
      file.set(this.bytes.subarray(start, end), to);
      to += end - start;
    }
    return file;
  }

  /** What all frames between two addresses have in common. */
  private templateOf({ source, destination }: Segment): Uint8Array {
    const key = `${source} ${destination}`;
    const known = this.templates.get(key);
    if (known) return known;
    const segment = tcp({ sourcePort: 0, destinationPort: 0 }, new Uint8Array(kept - payload).fill(0x2e));
    const made = ethernet(etherTypes.ipv4, ipv4({ source, destination, protocol: protocols.tcp }, segment));
    this.templates.set(key, made);
    return made;
  }

  private fill(view: DataView, { macs, sourcePort, destinationPort, flags, sequence, acknowledgement, length }: Segment): void {
    view.setUint16(4, macs[1]);
    view.setUint16(10, macs[0]);
    view.setUint16(network + 2, 40 + length);
    view.setUint16(network + 4, this.packets & 0xffff);
    view.setUint16(transport, sourcePort);
    view.setUint16(transport + 2, destinationPort);
    view.setUint32(transport + 4, sequence);
    view.setUint32(transport + 8, acknowledgement);
    view.setUint8(transport + 13, flags);
  }
}
