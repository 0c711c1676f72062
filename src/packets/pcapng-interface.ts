import { i32, i32le, u8, u16, u16le, u32, u32le } from './bytes.js';
import type { FrameSource } from './capture-format.js';
import { Direction } from './headers.js';
import { eachOption, optionCode } from './pcapng-layout.js';

const longestName = 256;
const text = new TextDecoder();

/**
 * How the 64-bit time stamps of an interface become microseconds: `high * whole + (high * rest + low) / unitsPerUs + offsetUs`.
 * A stamp in nanoseconds is more than a double holds; taken apart like this, only the result is rounded.
 */
export interface InterfaceClock {
  whole: number;
  rest: number;
  unitsPerUs: number;
  offsetUs: number;
}

export interface CaptureInterface {
  frames: FrameSource;
  clock: InterfaceClock;
  /** In bytes; 0 says that nothing was cut. */
  snapLength: number;
  /** Packets that were not captured, by the last that the file says of it. */
  dropped: number | undefined;
}

function clockOf(unitsPerUs: number, offsetUs: number): InterfaceClock {
  const whole = Math.floor(2 ** 32 / unitsPerUs);
  return { whole, rest: 2 ** 32 - whole * unitsPerUs, unitsPerUs, offsetUs };
}

/** if_tsresol: a negative power of ten, or of two where the highest bit is set. */
function unitsPerUs(resolution: number): number {
  return (resolution & 0x80 ? 2 : 10) ** (resolution & 0x7f) / 1e6;
}

/** An interface description block, whose options end at `end`. */
export function readInterface(bytes: Uint8Array, body: number, end: number, littleEndian: boolean, index: number): CaptureInterface {
  const [linkType, snapLength] = littleEndian ? [u16le(bytes, body), u32le(bytes, body + 4)] : [u16(bytes, body), u32(bytes, body + 4)];
  let name: string | undefined;
  let resolution = 6;
  let offsetSeconds = 0;
  eachOption(bytes, body + 8, end, littleEndian, (code, at, length) => {
    if (code === optionCode.interfaceName) name = text.decode(bytes.subarray(at, at + Math.min(length, longestName)));
    if (code === optionCode.timeResolution && length === 1) resolution = u8(bytes, at);
    if (code === optionCode.timeOffset && length === 8) {
      offsetSeconds = littleEndian ? i32le(bytes, at + 4) * 2 ** 32 + u32le(bytes, at) : i32(bytes, at) * 2 ** 32 + u32(bytes, at + 4);
    }
  });
  return {
    frames: { linkType, interfaceIndex: index, interfaceName: name, direction: Direction.unknown },
    clock: clockOf(unitsPerUs(resolution), offsetSeconds * 1e6),
    snapLength,
    dropped: undefined,
  };
}

/** Packets not captured, as an interface statistics block with options in [start, end) counts them; undefined where it does not. */
export function readDropped(bytes: Uint8Array, start: number, end: number, littleEndian: boolean): number | undefined {
  let dropped: number | undefined;
  eachOption(bytes, start, end, littleEndian, (code, at, length) => {
    if ((code !== optionCode.dropped && code !== optionCode.droppedBySystem) || length !== 8) return;
    dropped =
      (dropped ?? 0) + (littleEndian ? u32le(bytes, at + 4) * 2 ** 32 + u32le(bytes, at) : u32(bytes, at) * 2 ** 32 + u32(bytes, at + 4));
  });
  return dropped;
}
