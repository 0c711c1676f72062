import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readHere, readInThread } from '../../../src/capture/files/read.js';
import type { OnPackedPacket } from '../../../src/packets/packed.js';
import { trafficFiles } from '../../kit/traffic.js';

const program = fileURLToPath(new URL('../../../dist/program/read-thread.js', import.meta.url));

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tpread-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** What is told of the packets, as a number that depends on each and on their order. */
function digest(): { see: OnPackedPacket; told: () => { packets: number; sum: number } } {
  let [packets, sum] = [0, 0];
  return {
    see: (point, { headers, gist, time }) => {
      packets++;
      sum = (sum * 31 + point + headers.sourcePort + gist.low + (time % 1e6)) % 1e9;
    },
    told: () => ({ packets, sum }),
  };
}

test('a thread hands on the same packets in the same order, whatever their number', async () => {
  const { paths, points, packets } = trafficFiles({ transactions: 30_000, loss: 0.01, duplicates: 0.01 }, temporaryDirectory());
  const viewpoints = points.map((_, n) => ({ ownMacs: new Set<number>(), clockOffset: n * 10 }));
  const [here, there] = [digest(), digest()];
  const ends = await readHere(paths, viewpoints, here.see);
  expect(await readInThread(paths, viewpoints, there.see, program)).toEqual(ends);
  expect(there.told()).toEqual(here.told());
  expect(there.told().packets).toBe(packets.reduce((sum, count) => sum + count));
});

test('of a capture that is broken it tells where, and what came before', async () => {
  const directory = temporaryDirectory();
  const { paths } = trafficFiles({ transactions: 100 }, directory);
  const [path = ''] = paths;
  const broken = join(directory, 'broken.pcap');
  writeFileSync(broken, Buffer.alloc(1000));
  const viewpoints = [0, 1].map(() => ({ ownMacs: new Set<number>(), clockOffset: 0 }));
  const { see, told } = digest();
  const ends = await readInThread([path, broken], viewpoints, see, program);
  expect(ends.map(({ why }) => why)).toEqual([undefined, 'not a capture file']);
  expect(told().packets).toBe(200);
});

test('a file that went away meanwhile is an error, not a wait without end', async () => {
  await expect(readInThread(['/nonexistent.pcap'], [{ ownMacs: new Set(), clockOffset: 0 }], () => undefined, program)).rejects.toThrow(
    'ENOENT',
  );
});
