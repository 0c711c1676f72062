import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Viewpoint } from '../../journeys/feed.js';
import { type FileEnd, readTogether } from '../../journeys/offline.js';
import { type OnPackedPacket, PacketUnpacker } from '../../packets/packed.js';
import { openFile } from './open.js';
import type { FromThread, ReadTask } from './thread-messages.js';

/** Below this a thread takes longer to start than it saves, in bytes of all files. */
const worthAThread = 16_000_000;
const blocks = 4;

/** Reads capture files side by side and hands on their packets, in the order in which transactions come together. */
export function readCaptures(paths: readonly string[], points: readonly Viewpoint[], see: OnPackedPacket): Promise<FileEnd[]> {
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  return (bytes < worthAThread ? readHere : readInThread)(paths, points, see);
}

export function readHere(paths: readonly string[], points: readonly Viewpoint[], see: OnPackedPacket): Promise<FileEnd[]> {
  return readTogether(paths.map(openFile), points, (point, packet, _, quoted) => see(point, packet, quoted));
}

/** One thread reads and decodes while this one joins; blocks of packets go to and fro between them. */
export function readInThread(
  paths: readonly string[],
  points: readonly Viewpoint[],
  see: OnPackedPacket,
  program = fileURLToPath(new URL('./read-thread.js', import.meta.url)),
): Promise<FileEnd[]> {
  const task: ReadTask = {
    paths,
    points: points.map(({ ownMacs, direction, clockOffset }) => ({ ownMacs, clockOffset, ...(direction ? { direction } : {}) })),
    blocks,
  };
  const thread = new Worker(program, { workerData: task });
  const packets = new PacketUnpacker(see);
  return new Promise((resolve, reject) => {
    thread.on('message', (message: FromThread) => {
      if ('ends' in message) return resolve(message.ends);
      packets.unpack(message.block, message.used);
      thread.postMessage(message.block, [message.block]);
    });
    thread.on('error', reject);
    thread.on('exit', () => reject(new Error('the thread that reads captures ended before they did')));
  });
}
