/** Bytes of a pcap stream before its first packet. */
export const fileHeader = 24;
const recordHeader = 16;

/** The longest packet that libpcap writes. */
const mostCaptured = 262_144;

/** Whether a pcap stream has its numbers in little-endian order, by its magic number: 0xa1b2c3d4, or 0xa1b23c4d for times in nanoseconds. */
export function isLittleEndian(stream: Buffer): boolean {
  return stream[0] !== 0xa1;
}

/**
 * How many of these bytes, which begin where a packet or the whole stream (`atStart`) begins, are whole packets and the stream's own header.
 * All of them, where a length is one that cannot be: what is no pcap stream has no packets to keep whole.
 */
export function wholeLength(bytes: Buffer, { atStart, littleEndian }: { atStart: boolean; littleEndian: boolean }): number {
  if (atStart && bytes.length < fileHeader) return 0;
  let at = atStart ? fileHeader : 0;
  while (bytes.length - at >= recordHeader) {
    const captured = littleEndian ? bytes.readUInt32LE(at + 8) : bytes.readUInt32BE(at + 8);
    if (captured > mostCaptured) return bytes.length;
    if (at + recordHeader + captured > bytes.length) break;
    at += recordHeader + captured;
  }
  return at;
}
