import type { LiveTarget } from '../host/target.js';

/** What to capture where. */
export interface CapturePlan {
  /** As the user named it. */
  host: string;
  target: LiveTarget;
  iface: string;
  /** Of the interface; 0 when it is not known. */
  index: number;
  /** The interface's own Ethernet address, where it tells direction: a frame from it goes out, any other comes in. */
  mac?: string;
  /** What all frames of this capture do, where their addresses cannot tell. */
  direction?: 'in' | 'out';
  /** In the language of pcap-filter(7). */
  filter: string;
  /** Bytes kept of each frame, 1 to 262144. */
  snapLength: number;
}

export type Readiness = { ok: true } | { ok: false; why: string };

/** How a capture ended. Counts are those of libpcap, undefined when it was killed before it told them. */
export interface CaptureEnd {
  /** Packets handed over. */
  captured: number | undefined;
  /** Packets that passed the filter, also those that nobody took any more when the capture ended, and on the loopback each of them twice. */
  received: number | undefined;
  /** By the kernel and by the interface. A capture that dropped packets never proves a loss. */
  dropped: number | undefined;
  /** Why it ended, or never began, though nobody stopped it. */
  why?: string;
}

export interface RunningCapture {
  plan: CapturePlan;
  /** Settles once packets are seen, or cannot be. Never rejects. */
  ready: Promise<Readiness>;
  /** Settles when the capture has ended, by itself or not. Never rejects. */
  ended: Promise<CaptureEnd>;
  /** Ends the capture; what it had seen until then has been handed over when this settles. Bounded, and may be called twice. */
  stop(): Promise<CaptureEnd>;
}

/** The kernel keeps this many KiB of packets that nobody has taken yet. */
export const ringKiB = 32 * 1024;
