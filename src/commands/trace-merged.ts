import { join } from 'node:path';
import { type MergedCapture, mergeCaptures } from '../capture/files/merge.js';
import { tellPackets } from '../journeys/endings.js';
import type { Finished, TracedPoint } from '../journeys/tracer.js';
import { sanitize } from '../report/sanitize.js';
import type { Io } from './options.js';

const name = 'merged.pcapng';
/** Names of files, interfaces and services are foreign, and Wireshark shows them as they are; characters. */
const [longestName, longestRemark] = [200, 1000];

/** Puts the captures on one timeline, with remarks where failed transactions ended and where each pattern's example began. What cannot be written is told, and costs nothing else. */
export function writeMerged(
  directory: string,
  captures: readonly { path: string; point: TracedPoint }[],
  { clocks, endings, patterns }: Finished,
  io: Io,
): void {
  const offsetAt = clocks.offsetAt();
  const told = tellPackets(patterns, endings);
  const merged = captures.map(
    ({ path, point: { host, iface, clockOffset } }, n): MergedCapture => ({
      path,
      name: sanitize(`${host}/${iface}`, { most: longestName }),
      correct: (time) => time - (offsetAt(host, time - clockOffset) ?? clockOffset),
      remarks: told
        .filter(({ point }) => point === n)
        .map(({ time, port, text }) => ({ time: time + clockOffset, port, text: sanitize(text, { most: longestRemark }) })),
    }),
  );
  io.progress(`writing ${name}`);
  try {
    mergeCaptures(merged, join(directory, name));
    if (endings.missed > 0) io.warn(`${name}: ${endings.missed} failed transactions more than those that are marked there`);
  } catch (error) {
    io.warn(`${join(directory, name)} was not written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
