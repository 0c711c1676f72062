/*
 * Numbers out of bytes. The caller has looked that the bytes are there: beyond the end of an array these give 0, never an error.
 * Plain byte loads, as V8 turns them into machine code without a call and without an object beside the array.
 */

export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

/** Network order, 0 to 65,535. */
export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Network order, 0 to 2^32 - 1. */
export function u32(bytes: Uint8Array, at: number): number {
  return i32(bytes, at) >>> 0;
}

/** Network order as a signed number, which V8 keeps in a register where an unsigned one may become a double. */
export function i32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
}

/** Least significant byte first, 0 to 65,535. */
export function u16le(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/** Least significant byte first, 0 to 2^32 - 1. */
export function u32le(bytes: Uint8Array, at: number): number {
  return i32le(bytes, at) >>> 0;
}

/** Least significant byte first, signed. */
export function i32le(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}
