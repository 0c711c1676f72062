import { Decoded, type Headers } from './headers.js';

/** Notes the payload at [at, limit), of which only what lies before `end` was captured. */
export function keepPayload(at: number, end: number, limit: number, into: Headers): Decoded {
  if (at > limit) return Decoded.malformed;
  into.payloadLength = limit - at;
  into.payloadStart = Math.min(at, end);
  into.payloadEnd = Math.min(limit, end);
  return Decoded.ip;
}

/** What a header that is not there in full is: malformed when the packet itself ends there, cut when only the capture does. */
export function incomplete(at: number, limit: number, headerLength: number): Decoded {
  return limit - at < headerLength ? Decoded.malformed : Decoded.cut;
}
