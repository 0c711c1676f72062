import { createHmac, randomBytes } from 'node:crypto';
import { CaptureReader } from '../../packets/capture-reader.js';
import { decode, decodeQuoted, isIcmpError } from '../../packets/decode.js';
import { DnsQuestion, readDnsQuestion } from '../../packets/dns.js';
import { comparedBytes } from '../../packets/gist.js';
import { Decoded, Headers } from '../../packets/headers.js';
import { httpStart } from '../../packets/http.js';

/** What payload becomes: a letter that begins no request, and no answer either. */
const blank = 0x78;
const [tcp, udp] = [6, 17];
const space = 0x20;
/** With its link header, in bytes. */
const longestArp = 60;

/**
 * Overwrites what packets carry, in place, so that no length changes. Headers stay, and of payload what tells transactions apart: of a DNS message its
 * header and its question, of HTTP the method, the version and the status. Requests' targets and other datagrams become what chance makes of them, alike
 * where they were alike: captures of several hosts that one instance has gone over can still be joined. Checksums do not fit any more.
 */
export class PayloadEraser {
  /** Known to nobody and forgotten afterwards: short contents cannot be found by trying. */
  private readonly key = randomBytes(32);

  /** Of one capture: takes its bytes from the beginning, always whole packets. What is no capture becomes nothing but zeros. */
  stream(): (bytes: Uint8Array) => void {
    const [headers, quoted] = [new Headers(), new Headers()];
    const reader = new CaptureReader((bytes, start, captured, wire, _, source) => {
      const end = start + captured;
      const decoded = decode(bytes, start, end, source.linkType, headers, wire);
      if (decoded === Decoded.ip) this.erase(bytes, headers, quoted, end);
      else if (decoded === Decoded.notIp) bytes.fill(0, Math.min(start + longestArp, end), end);
      else if (decoded !== Decoded.cut) bytes.fill(0, start, end);
    });
    return (bytes) => {
      if (!reader.isBroken) reader.push(bytes);
      if (reader.isBroken) bytes.fill(0);
    };
  }

  private erase(bytes: Uint8Array, headers: Headers, quoted: Headers, end: number): void {
    // What fills a short frame may be anything that its sender had in memory.
    bytes.fill(0, headers.payloadEnd, end);
    if (isIcmpError(headers)) this.eraseQuoted(bytes, headers, quoted);
    else this.erasePayload(bytes, headers);
  }

  private eraseQuoted(bytes: Uint8Array, error: Headers, quoted: Headers): void {
    const decoded = decodeQuoted(bytes, error, quoted);
    if (decoded === Decoded.ip) {
      bytes.fill(0, quoted.payloadEnd, error.payloadEnd);
      this.erasePayload(bytes, quoted);
    } else if (decoded !== Decoded.cut) bytes.fill(0, error.payloadStart, error.payloadEnd);
  }

  private erasePayload(bytes: Uint8Array, headers: Headers): void {
    const { payloadStart, payloadEnd, protocol, fragmentOffset } = headers;
    if (fragmentOffset === 0 && protocol === udp) this.eraseDatagram(bytes, headers);
    else
      bytes.fill(
        blank,
        fragmentOffset === 0 && protocol === tcp ? this.eraseStart(bytes, payloadStart, payloadEnd) : payloadStart,
        payloadEnd,
      );
  }

  private eraseDatagram(bytes: Uint8Array, { payloadStart, payloadEnd, payloadLength }: Headers): void {
    if (readDnsQuestion(bytes, payloadStart, payloadEnd, new DnsQuestion())) {
      bytes.fill(0, endOfQuestion(bytes, payloadStart), payloadEnd);
      return;
    }
    const compared = Math.min(payloadEnd, payloadStart + comparedBytes);
    this.scramble(bytes, payloadStart, compared, payloadLength);
    bytes.fill(blank, compared, payloadEnd);
    // No chance makes a DNS message of it: such have one question.
    if (payloadEnd - payloadStart > 4) bytes[payloadStart + 4] = 0xff;
  }

  /** The line that an HTTP message begins with; returns where it ends, or the beginning where there is none. */
  private eraseStart(bytes: Uint8Array, start: number, end: number): number {
    const { kind } = httpStart(bytes, start, end);
    if (kind === 'none') return start;
    // `HTTP/1.1 200`
    if (kind === 'response') return start + 12;
    const from = bytes.indexOf(space, start) + 1;
    const next = bytes.indexOf(space, from);
    const to = next < 0 || next > end ? end : next;
    this.scramble(bytes, from, to, 0);
    // What is no letter would end the target.
    for (let at = from; at < to; at++) bytes[at] = 0x61 + ((bytes[at] ?? 0) % 26);
    return Math.min(end, to + ' HTTP/1.1'.length);
  }

  private scramble(bytes: Uint8Array, start: number, end: number, seed: number): void {
    const content = createHmac('sha256', this.key).update(`${seed} `).update(bytes.subarray(start, end)).digest();
    for (let at = start, block = 0; at < end; block++) {
      const pad = createHmac('sha256', content).update(String(block)).digest();
      const used = pad.subarray(0, end - at);
      bytes.set(used, at);
      at += used.length;
    }
  }
}

/** Behind the name, the type and the class of the first question, which is there in full. */
function endOfQuestion(bytes: Uint8Array, start: number): number {
  let at = start + 12;
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) at += 1 + length;
  return at + 5;
}
