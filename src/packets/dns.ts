import { u8, u16 } from './bytes.js';
import { Hash, hashBytes } from './hash.js';

/** The one question of a DNS message. Used again for each message. */
export class DnsQuestion {
  id = 0;
  isResponse = false;
  /** 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED …; of a query 0. */
  responseCode = 0;
  /** Of the id and the question as it is written: an answer repeats it with the same upper and lower case. */
  readonly hash = new Hash();
}

const headerLength = 12;
const longestName = 255;
const longestLabel = 63;
/** Of query (0), status (2), notify (4) and update (5), a bit each. */
const operations = 0b110101;

/**
 * Reads the question of the UDP payload in [start, end). False when that is no DNS message with one question, and when the capture cut the question:
 * then nothing in `into` means anything.
 */
export function readDnsQuestion(bytes: Uint8Array, start: number, end: number, into: DnsQuestion): boolean {
  if (end - start < headerLength || u16(bytes, start + 4) !== 1) return false;
  const flags = u16(bytes, start + 2);
  if (((operations >> ((flags >> 11) & 15)) & 1) === 0) return false;
  const name = endOfName(bytes, start + headerLength, end);
  if (name === 0 || end - name < 4) return false;
  into.id = u16(bytes, start);
  into.isResponse = (flags & 0x8000) !== 0;
  into.responseCode = flags & 15;
  hashBytes(bytes, start + headerLength, name + 4, into.hash, into.id);
  return true;
}

/** Where the name that begins at `start` ends, or 0 when it is none. The first name of a message has nothing before it to point to. */
function endOfName(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && at - start < longestName) {
    const length = u8(bytes, at);
    at += 1 + length;
    if (length === 0) return at;
    if (length > longestLabel) return 0;
  }
  return 0;
}
