import { Feed, type OnPacket, type Viewpoint } from './feed.js';

/** A capture that is read from its beginning: some next bytes, valid until it is asked again, or undefined at the end. */
export interface ByteSource {
  next(most: number): Uint8Array | undefined;
}

export type OnPacketAt = (point: number, ...packet: Parameters<OnPacket>) => void;

/** As much of a capture is read at a time as covers about this, in microseconds. */
const stride = 5000;
const [leastBytes, mostBytes] = [512, 262_144];

/** How a capture ended. */
export interface FileEnd {
  /** What is wrong with it; undefined when it was read whole. */
  why: string | undefined;
  /** Packets that were not captured, as far as the file says so. */
  dropped: number;
}

/** Frames of each capture that are looked at before all are read. */
const sampled = 8000;

/** Hands on the first packets of each capture. */
export function readBeginnings(open: readonly (() => ByteSource)[], points: readonly Viewpoint[], see: OnPacketAt): void {
  points.forEach((viewpoint, point) => {
    const source = (open[point] as () => ByteSource)();
    let left = sampled;
    const feed = new Feed(viewpoint, (packet, bytes, quoted) => {
      if (left-- > 0) see(point, packet, bytes, quoted);
    });
    for (let chunk = source.next(mostBytes); chunk !== undefined && left > 0 && !feed.isBroken; chunk = source.next(mostBytes))
      feed.push(chunk);
  });
}

/**
 * Reads captures side by side, some bytes at a time, always of the one that is furthest behind: sightings of one transaction then come together, whatever
 * the length of the captures. `between` is called after each piece, and what it returns is waited for.
 */
export async function readTogether(
  sources: readonly ByteSource[],
  points: readonly Viewpoint[],
  see: OnPacketAt,
  between?: () => Promise<void> | undefined,
): Promise<FileEnd[]> {
  const feeds = points.map((viewpoint, point) => new Feed(viewpoint, (packet, bytes, quoted) => see(point, packet, bytes, quoted)));
  const open = new Set(sources.keys());
  const ends: FileEnd[] = sources.map(() => ({ why: undefined, dropped: 0 }));
  const sizes = sources.map(() => leastBytes);
  while (open.size > 0) {
    const point = furthestBehind(open, feeds);
    const [feed, source, size] = [feeds[point] as Feed, sources[point] as ByteSource, sizes[point] as number];
    const chunk = feed.isBroken ? undefined : source.next(size);
    if (chunk === undefined) {
      open.delete(point);
      const end = feed.end();
      ends[point] = { why: end.ok ? undefined : end.why, dropped: feed.dropped() ?? 0 };
      continue;
    }
    const before = feed.time;
    feed.push(chunk);
    const wait = between?.();
    if (wait) await wait;
    sizes[point] = feed.time - before > stride ? Math.max(leastBytes, size / 2) : Math.min(mostBytes, size * 2);
  }
  return ends;
}

function furthestBehind(open: ReadonlySet<number>, feeds: readonly Feed[]): number {
  let furthest = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const point of open) {
    const time = feeds[point]?.time ?? 0;
    if (time < least || furthest < 0) [furthest, least] = [point, time];
  }
  return furthest;
}
