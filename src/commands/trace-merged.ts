import { join } from 'node:path';
import { type MergedCapture, mergeCaptures } from '../capture/files/merge.js';
import { tellEnding } from '../journeys/endings.js';
import type { Finished, TracedPoint } from '../journeys/tracer.js';
import type { Io } from './options.js';

const name = 'merged.pcapng';

/** Puts the captures on one timeline, with a remark on each packet that a failed transaction ended with. What cannot be written is told, and costs nothing else. */
export function writeMerged(
  directory: string,
  captures: readonly { path: string; point: TracedPoint }[],
  { clocks, endings }: Finished,
  io: Io,
): void {
  const offsetAt = clocks.offsetAt();
  const merged = captures.map(
    ({ path, point: { host, iface, clockOffset } }, n): MergedCapture => ({
      path,
      name: `${host}/${iface}`,
      correct: (time) => time - (offsetAt(host, time - clockOffset) ?? clockOffset),
      remarks: endings.kept
        .filter(({ point }) => point === n)
        .map((ending) => ({ time: ending.time + clockOffset, port: ending.port, text: tellEnding(ending) })),
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
