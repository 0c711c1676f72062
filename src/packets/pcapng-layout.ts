import { u16, u16le } from './bytes.js';

/** Numbers of the pcapng format (draft-ietf-opsawg-pcapng). */
export const blockType = {
  section: 0x0a0d0d0a,
  interface: 1,
  packet: 2,
  simplePacket: 3,
  interfaceStatistics: 5,
  enhancedPacket: 6,
} as const;

export const byteOrderMagic = 0x1a2b3c4d;

/** What a code means depends on the block. */
export const optionCode = {
  end: 0,
  comment: 1,
  packetFlags: 2,
  interfaceName: 2,
  timeResolution: 9,
  timeOffset: 14,
  received: 4,
  dropped: 5,
  droppedBySystem: 7,
} as const;

/** Calls `take` with the code, position and length of each option in [start, end), up to the first that does not fit. */
export function eachOption(
  bytes: Uint8Array,
  start: number,
  end: number,
  littleEndian: boolean,
  take: (code: number, at: number, length: number) => void,
): void {
  const read = littleEndian ? u16le : u16;
  let at = start;
  while (end - at >= 4) {
    const [code, length] = [read(bytes, at), read(bytes, at + 2)];
    if (code === optionCode.end || length > end - at - 4) return;
    take(code, at + 4, length);
    at += 4 + ((length + 3) & ~3);
  }
}
