import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CapturePlan } from '../../src/capture/plan.js';
import { saveInto } from '../../src/capture/save.js';
import { pcapFile } from '../kit/captures.js';
import { Frames } from './wire.js';

const plan: CapturePlan = { host: 'dev1', target: { kind: 'local' }, iface: 'eth0', index: 2, filter: 'udp', snapLength: 256 };
const never = (text: string): void => expect.unreachable(text);

async function directory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tpsave-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const frame = (length: number) => ({ bytes: new Uint8Array(length).fill(length % 256), time: 1_750_000_000_000_000n });

async function packetsIn(path: string) {
  const frames = new Frames();
  frames.push(await readFile(path));
  return frames.end();
}

describe('a saved capture', () => {
  it('is the stream, however it was cut into chunks', async () => {
    const dir = await directory();
    const chunked = fc.record({
      lengths: fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 20 }),
      order: fc.constantFrom('little' as const, 'big' as const),
      nanoseconds: fc.boolean(),
      chunk: fc.integer({ min: 1, max: 400 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(chunked, async ({ lengths, order, nanoseconds, chunk }) => {
        const stream = pcapFile(lengths.map(frame), { order, nanoseconds });
        const file = saveInto(dir, never)({ ...plan, host: `run${run++}` });
        for (let at = 0; at < stream.length; at += chunk) file.write(stream.subarray(at, at + chunk));
        file.close();
        expect(await readFile(file.path)).toEqual(Buffer.from(stream));
      }),
    );
  });

  it('ends with a whole packet when the stream does not', async () => {
    const stream = pcapFile([frame(100), frame(200)]);
    const file = saveInto(await directory(), never)(plan);
    file.write(stream.subarray(0, stream.length - 1));
    file.close();
    expect(await packetsIn(file.path)).toEqual({ ok: true, packets: 1 });
  });

  it('keeps its whole packets when the disk is full, which is told once', async () => {
    const dir = await directory();
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]);
    onTestFinished(() => execa('umount', [dir]).then(() => undefined));
    const warnings: string[] = [];
    const save = saveInto(dir, (text) => warnings.push(text));
    const [file, other] = [save(plan), save({ ...plan, iface: 'eth1' })];
    const stream = pcapFile(Array.from({ length: 100 }, () => frame(1500)));
    for (let at = 0; at < stream.length; at += 10_000) file.write(stream.subarray(at, at + 10_000));
    other.write(stream);
    file.close();
    expect(warnings).toEqual([expect.stringMatching(/dev1-eth0\.pcap was not saved whole: ENOSPC/)]);
    const { ok, packets } = await packetsIn(file.path);
    expect(ok).toBe(true);
    expect(packets).toBe(Math.floor(((await stat(file.path)).size - 24) / 1516));
    expect(packets).toBeGreaterThan(30);
  });

  it('overwrites nothing', async () => {
    const dir = await directory();
    await writeFile(join(dir, 'dev1-eth0.pcap'), 'mine');
    const warnings: string[] = [];
    saveInto(dir, (text) => warnings.push(text))(plan).write(pcapFile([frame(100)]));
    expect(warnings).toEqual([expect.stringMatching(/EEXIST/)]);
    expect(await readFile(join(dir, 'dev1-eth0.pcap'), 'utf8')).toBe('mine');
  });

  it('that is no pcap stream is kept as it is, and does not fill the memory', async () => {
    const file = saveInto(await directory(), never)(plan);
    const bytes = Buffer.alloc(100_000, 0xff);
    file.write(bytes);
    file.write(bytes);
    file.close();
    expect((await stat(file.path)).size).toBe(200_000);
  });

  it('has a name of its own in the directory, whatever the host is called', async () => {
    const dir = await directory();
    const save = saveInto(dir, never);
    const others: Partial<CapturePlan>[] = [
      {},
      { iface: 'lo', direction: 'in' },
      { iface: 'tun0', direction: 'in' },
      { iface: 'tun0', direction: 'out' },
      { host: '../dev1' },
      { host: '.._dev1' },
    ];
    for (const other of others) save({ ...plan, ...other }).close();
    expect((await readdir(dir)).sort()).toEqual(
      ['.._dev1-eth0-2.pcap', '.._dev1-eth0.pcap', 'dev1-eth0.pcap', 'dev1-lo.pcap', 'dev1-tun0-in.pcap', 'dev1-tun0-out.pcap'].sort(),
    );
  });
});
