import { u8, u16, u32 } from './bytes.js';
import { Decoded, type Headers } from './headers.js';
import { incomplete, keepPayload } from './payload.js';

const shortestHeader = 20;

/** Options may be cut: nothing of them is needed. */
export function decodeTcp(bytes: Uint8Array, at: number, end: number, limit: number, into: Headers): Decoded {
  const there = Math.min(end, limit) - at;
  if (there >= 4) {
    into.sourcePort = u16(bytes, at);
    into.destinationPort = u16(bytes, at + 2);
  }
  if (there >= 8) into.tcpSequence = u32(bytes, at + 4);
  if (there < shortestHeader) return incomplete(at, limit, shortestHeader);
  into.tcpAcknowledgement = u32(bytes, at + 8);
  into.tcpFlags = u8(bytes, at + 13);
  const headerLength = (u8(bytes, at + 12) >> 4) * 4;
  return headerLength < shortestHeader ? Decoded.malformed : keepPayload(at + headerLength, end, limit, into);
}
