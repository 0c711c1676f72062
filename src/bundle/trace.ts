import { z } from 'zod';
import type { CapturePoint, CounterDelta, PointCount } from '../types.js';

export const tracePath = 'trace.json';

/** What a trace knows beside its packets. */
export interface TraceNotes {
  /** Listening ports that were asked for; all transparent services when empty. */
  ports: readonly number[];
  /** ISO 8601. */
  window: { from: string; to: string };
  /** What each capture says that it missed. */
  points: readonly PointCount[];
  counters: readonly CounterDelta[];
}

/** Packets of one interface in a bundle that has been opened. */
export interface BundledCapture extends CapturePoint {
  direction?: 'in' | 'out';
  mac?: string;
  /** Can be opened, and read from its beginning, until `close`. */
  file: string;
  close(): void;
}

export interface BundledTrace extends TraceNotes {
  captures: readonly BundledCapture[];
}

const text = z.string().max(65_536);
const place = { host: z.string().max(64), iface: z.string().min(1).max(64) };
const count = z.int().min(0);

export const traceNotes = z.object({
  ports: z.array(z.int().min(1).max(65_535)).max(65_536),
  window: z.object({ from: z.iso.datetime({ offset: true }), to: z.iso.datetime({ offset: true }) }),
  points: z.array(z.object({ ...place, packets: count, dropped: count, partial: text.optional() })).max(100_000),
  counters: z
    .array(z.object({ host: place.host, name: text, delta: count, source: text, scope: z.literal('machine').optional() }))
    .max(1_000_000),
});
