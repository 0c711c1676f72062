import { parentPort, workerData } from 'node:worker_threads';
import { readTogether } from '../../journeys/offline.js';
import { PacketPacker } from '../../packets/packed.js';
import { openFile } from './open.js';
import type { FromThread, ReadTask } from './thread-messages.js';

/*
 * Reads and decodes captures in a thread of its own. It never runs ahead by more than its blocks hold.
 */

const blockBytes = 1_048_576;
/** In words of 32 bits. What one piece of a capture holds, at most 262,144 bytes, always fits into the other half. */
const full = blockBytes / 8;

if (parentPort) void read(workerData as ReadTask, parentPort);

async function read({ paths, points, blocks }: ReadTask, port: NonNullable<typeof parentPort>): Promise<void> {
  const free = Array.from({ length: blocks }, () => new ArrayBuffer(blockBytes));
  let waiting: ((block: ArrayBuffer) => void) | undefined;
  port.on('message', (block: ArrayBuffer) => {
    if (waiting) waiting(block);
    else free.push(block);
    waiting = undefined;
  });
  const nextBlock = async (): Promise<ArrayBuffer> => free.pop() ?? new Promise((resolve) => (waiting = resolve));
  const post = (message: FromThread, transferred: ArrayBuffer[] = []): void => port.postMessage(message, transferred);

  let packer = new PacketPacker(await nextBlock());
  const send = (): void => post({ block: packer.block, used: packer.used }, [packer.block]);
  const ends = await readTogether(
    paths.map(openFile),
    points,
    (point, packet, _, quoted) => packer.add(point, packet, quoted),
    () => (packer.used < full ? undefined : turnOver()),
  );
  async function turnOver(): Promise<void> {
    send();
    packer = new PacketPacker(await nextBlock());
  }
  send();
  post({ ends });
  port.close();
}
