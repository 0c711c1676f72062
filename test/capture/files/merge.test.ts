import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import type { Report } from '../../../src/types.js';
import { framesOf } from '../../kit/timeline.js';
import { trafficFiles } from '../../kit/traffic.js';

const program = fileURLToPath(new URL('../../../bin/tpdoctor', import.meta.url));
const perSecond = 1000;

function traffic() {
  const directory = mkdtempSync(join(tmpdir(), 'tpmerge-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const clocks = { client: { offsetUs: 2_000_000, ppm: -50 }, upstream: { offsetUs: -2_000_000, ppm: 50 } };
  const made = trafficFiles({ transactions: 4000, perSecond, loss: 0.01, clocks }, directory);
  const reads = made.paths.flatMap((path, n) => ['--read', `${made.points[n]?.host}=${path}`]);
  return { ...made, directory, command: ['trace', '--port', '53', '--json', ...reads, '--write', join(directory, 'out')] };
}

test('captures of hosts whose clocks are seconds apart become one timeline, with a remark where each lost transaction ended', async () => {
  const { packets, points, seen, directory, command } = traffic();
  const { stdout } = await execa(program, command, { reject: false });
  const { trace } = JSON.parse(stdout) as Report;
  expect(readdirSync(join(directory, 'out'))).toEqual(['merged.pcapng']);
  const frames = await framesOf(join(directory, 'out', 'merged.pcapng'));

  const perPoint = points.map(({ host, iface }) => frames.filter((frame) => frame.iface === `${host}/${iface}`).length);
  expect(perPoint).toEqual(packets);
  expect(frames.every(({ time }, n) => n === 0 || time >= (frames[n - 1]?.time ?? 0))).toBe(true);
  const seconds = (frames.at(-1)?.time ?? 0) - (frames[0]?.time ?? 0);
  expect(Math.abs(seconds - seen.length / perSecond)).toBeLessThan(0.5);

  const began = frames.filter(({ comment }) => comment.includes('here an example began:'));
  expect(began.length).toBeGreaterThan(1);
  expect(began.every(({ iface }) => iface === 'client/eth0')).toBe(true);
  expect(began.filter(({ comment }) => comment.includes('began: delivered;'))).not.toEqual([]);

  const remarked = frames.filter(({ comment }) => comment.includes('here a transaction ended:'));
  expect(remarked.every(({ iface, comment }) => comment.includes(`ended: vanished after ${iface};`))).toBe(true);
  expect(remarked).toHaveLength(trace?.transactions.failed ?? -1);
  expect(remarked.length).toBeGreaterThan(10);
});

test('what a file is called cannot steer the terminal that its packets are shown on', async () => {
  const { directory, command, paths, seen } = traffic();
  const hostile = join(directory, `dev1-\x1b[31m${'y'.repeat(210)}.pcap`);
  const last = paths.at(-1) ?? '';
  renameSync(last, hostile);
  await execa(
    program,
    command.map((word) => word.replace(last, hostile)),
    { reject: false },
  );
  const frames = await framesOf(join(directory, 'out', 'merged.pcapng'));
  expect(seen.length).toBeGreaterThan(0);
  const from = frames.filter(({ iface }) => iface.startsWith('dev1/'));
  expect(from.length).toBeGreaterThan(0);
  const texts = frames.flatMap(({ iface, comment }) => [iface, comment]).join('');
  expect(texts).toContain('x1b[31m');
  expect(texts).not.toContain('\x1b');
});

test('on a full disk there is no merged file, but a verdict', async () => {
  const { directory, command } = traffic();
  const small = join(directory, 'small');
  mkdirSync(small);
  const script = 'mount -t tmpfs -o size=200k tmpfs "$0"; "$@" >/dev/null; status=$?; ls "$0/out"; exit $status';
  const words = command.with(-1, join(small, 'out'));
  const { exitCode, stderr, stdout } = await execa('unshare', ['--mount', 'sh', '-c', script, small, program, ...words], { reject: false });
  expect(stderr).toContain('merged.pcapng was not written: ENOSPC');
  expect(stdout).toBe('');
  expect(exitCode).toBe(2);
});
