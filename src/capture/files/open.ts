import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../../journeys/offline.js';

const bufferBytes = 262_144;

/** Read in large pieces and handed out in small ones; closed when it is read to its end. Throws what the system says where it cannot be opened. */
export function openFile(path: string): ByteSource {
  let descriptor: number | undefined = openSync(path, 'r');
  if (fstatSync(descriptor).isDirectory()) throw new Error('it is a directory');
  const buffer = new Uint8Array(bufferBytes);
  let [at, end] = [0, 0];
  return {
    next(most) {
      if (descriptor === undefined) return undefined;
      if (at === end) [at, end] = [0, readSync(descriptor, buffer)];
      const from = at;
      at = Math.min(end, at + most);
      if (at > from) return buffer.subarray(from, at);
      closeSync(descriptor);
      descriptor = undefined;
      return undefined;
    },
  };
}
