import type { Direction } from './headers.js';

/** Where a frame was captured. One object per interface, whose direction is set anew for each frame: nothing of it may be kept beyond the call. */
export interface FrameSource {
  /** LINKTYPE_ number of tcpdump.org/linktypes: 1 Ethernet, 113 and 276 Linux cooked, 101 raw IP … */
  linkType: number;
  /** Position among the interfaces that the file describes, from 0; of a file of several sections, counted over all of them. */
  interfaceIndex: number;
  /** What the file calls the interface, at most 256 bytes; foreign text. */
  interfaceName: string | undefined;
  direction: Direction;
}

/**
 * Takes a frame: `capturedLength` bytes from `start`, which are valid during the call only; `wireLength`, never less, is how long it was on the wire.
 * `timeUs` is microseconds since 1970, exact to a quarter of one; 0 where the file has no time.
 */
export type OnFrame = (
  bytes: Uint8Array,
  start: number,
  capturedLength: number,
  wireLength: number,
  timeUs: number,
  source: FrameSource,
) => void;

/** A capture file's format: takes whole records out of bytes as they come. */
export interface CaptureFormat {
  /** Bytes that the record at the position where `take` stopped needs before anything more can be said of it. */
  readonly needed: number;
  readonly packets: number;
  /** Packets that the file says were not captured; undefined where it says nothing of it. */
  readonly dropped: number | undefined;
  /** What is wrong with the record at the position where `take` stopped; nothing can be taken after that. */
  readonly failure: string | undefined;
  /** Takes what is whole in [start, end) and returns the position of what is not. Of exactly `needed` bytes it takes all, or needs more, or fails. */
  take(bytes: Uint8Array, start: number, end: number): number;
}

/** The longest packet that libpcap itself writes or reads. */
export const mostCaptured = 262_144;

/** The longest block of a pcapng file that is taken for one. */
export const longestRecord = 16 * 1024 * 1024;
