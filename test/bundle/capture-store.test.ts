import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { CapturePlan } from '../../src/capture/plan.js';
import { CaptureStore } from '../../src/commands/bundle-trace.js';
import { Feed } from '../../src/journeys/feed.js';
import { pcapFile } from '../kit/captures.js';
import { ethernet, etherTypes, ipv4, tcp } from '../kit/frames.js';
import { scratch } from './kit.js';

const plan: CapturePlan = {
  host: '..',
  target: { kind: 'local' },
  iface: 'e/0',
  index: 1,
  mac: '02:00:00:00:00:01',
  filter: 'tcp',
  snapLength: 384,
};
const request = ethernet(
  etherTypes.ipv4,
  ipv4(
    { source: '192.0.2.1', destination: '192.0.2.2', protocol: 6 },
    tcp({ sourcePort: 1, destinationPort: 80 }, Buffer.from('Cookie: s=hunter2')),
  ),
);
const capture = (packets: number) => pcapFile(Array.from({ length: packets }, () => ({ bytes: request })));

async function packetsIn(path: string): Promise<number> {
  let packets = 0;
  const feed = new Feed({ ownMacs: new Set(), clockOffset: 0 }, () => packets++);
  feed.push(await readFile(path));
  expect(feed.end().ok).toBe(true);
  return packets;
}

it('captures end with a whole packet where their room ends, are said to be cut, and never had their payload on the disk', async () => {
  const warned: string[] = [];
  const bytes = Buffer.from(capture(100));
  const store = new CaptureStore(scratch(), bytes.length / 2, { progress: () => undefined, warn: (text) => warned.push(text) });
  const [first, second] = [store.open(plan), store.open({ ...plan, direction: 'in' })];
  for (let at = 0; at < bytes.length; at += 50) first.write(bytes.subarray(at, at + 50));
  second.write(bytes.subarray(0, 50));
  for (const each of [first, second]) each.close();
  const found = await packetsIn(first.path);
  expect(found).toBeGreaterThan(40);
  expect(found).toBeLessThan(51);
  expect((await readFile(first.path)).includes('hunter2')).toBe(false);
  expect(warned).toEqual([expect.stringContaining('--max-size'), expect.stringContaining('--max-size')]);
  // The second one has not even begun.
  expect(store.items().map(({ entry }) => entry)).toEqual([
    expect.objectContaining({ path: 'captures/1-..-e_0.pcap', kind: 'capture', host: '..', iface: 'e/0', mac: plan.mac, truncated: true }),
  ]);
});

it('packets from before all captures ran are forgotten', async () => {
  const store = new CaptureStore(scratch(), 2 ** 20, { progress: () => undefined, warn: () => expect.unreachable() });
  const file = store.open(plan);
  const bytes = Buffer.from(capture(10));
  // In the middle of the fifth packet.
  const middle = 24 + 4.5 * (16 + request.length);
  file.write(bytes.subarray(0, middle));
  file.restart();
  file.write(bytes.subarray(middle));
  file.close();
  expect(await packetsIn(file.path)).toBe(6);
  expect(store.items()[0]?.entry).not.toHaveProperty('truncated');
});
