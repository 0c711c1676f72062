/** What the first bytes of a segment say in HTTP. One instance is used again and again. */
export interface HttpStart {
  kind: 'request' | 'response' | 'none';
  /** Of method and request target; not 0 for a request. */
  hash: number;
  /** Of a response. */
  status: number;
}

const found: HttpStart = { kind: 'none', hash: 0, status: 0 };
const space = 0x20;
const longestTarget = 2048;

/** Reads a request line or a status line (RFC 9112, sections 3 and 4) in place. The version is left out: nginx changes it on the way. */
export function httpStart(bytes: Uint8Array, start: number, end: number): HttpStart {
  found.kind = 'none';
  found.hash = 0;
  found.status = 0;
  if (end - start >= 12 && isVersion(bytes, start) && bytes[start + 8] === space) {
    found.kind = 'response';
    found.status = digit(bytes[start + 9]) * 100 + digit(bytes[start + 10]) * 10 + digit(bytes[start + 11]);
    return found;
  }
  let at = start;
  while (at < end && at - start < 16 && isUpper(bytes[at])) at++;
  if (at === start || at === end || bytes[at] !== space) return found;
  let hash = 0x811c9dc5;
  const most = Math.min(end, at + longestTarget);
  for (let spaces = 0, n = start; n < most; n++) {
    const byte = bytes[n] as number;
    if (byte < space) return found;
    if (byte === space && ++spaces === 2) {
      if (!isVersion(bytes, n + 1)) return found;
      break;
    }
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  if (most - at < 2) return found;
  found.kind = 'request';
  found.hash = hash >>> 0 || 1;
  return found;
}

function isVersion(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x48 && bytes[at + 1] === 0x54 && bytes[at + 2] === 0x54 && bytes[at + 3] === 0x50 && bytes[at + 4] === 0x2f;
}

const isUpper = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x41 && byte <= 0x5a;
const digit = (byte: number | undefined): number => (byte === undefined ? 0 : byte - 0x30);
