import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namesOf } from '../../src/capture/drops/symbols.js';
import { type DropCount, watchDrops } from '../../src/capture/drops.js';
import { kernelLacks } from '../lab/kernel.js';

/*
 * The running kernel's own drop reasons. tracefs is mounted in the mount namespace of a process of this test alone, and reached through it; a kernel
 * without tracing leaves the first test only.
 */

const [from, to] = [`drpa${process.pid}`, `drpb${process.pid}`];
const run = (script: string, namespace = to) => execFileSync('nsenter', [`--net=/run/netns/${namespace}`, 'sh', '-ec', script]);

let holder: ChildProcess;
let tracefs: string;
let directory: string;

beforeAll(async () => {
  const mount = 'mount -t tracefs tracefs /sys/kernel/tracing || true; echo ready; exec sleep 300';
  holder = spawn('unshare', ['-m', 'sh', '-c', mount], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (holder.stdout) await once(holder.stdout, 'data');
  tracefs = `/proc/${holder.pid}/root/sys/kernel/tracing`;
  for (const name of [from, to]) execFileSync('ip', ['netns', 'add', name]);
  run(
    `ip link add out type veth peer name in address 02:00:00:00:00:65 netns ${to}; ip link set out up; ip address add 10.79.0.1/24 dev out`,
    from,
  );
  run('ip link set in up; ip address add 10.79.0.65/24 dev in');
  // Who asks for the way under a foreign address gets no answer.
  run('ip neighbour add 10.79.0.65 lladdr 02:00:00:00:00:65 dev out', from);
  run('ip address add 203.0.113.9/32 dev out; ip route add 198.51.100.0/24 via 10.79.0.65', from);
  run('ip link set lo up; ip route add 203.0.113.9 dev lo; echo 1 > /proc/sys/net/ipv4/conf/in/rp_filter');
  directory = await mkdtemp(join(tmpdir(), 'tpdrops-'));
});
afterAll(async () => {
  holder.kill();
  for (const name of [from, to]) execFileSync('ip', ['netns', 'delete', name]);
  await rm(directory, { recursive: true, force: true });
});

const sender = `
const [source, destination, count] = process.argv.slice(1);
const socket = require('node:dgram').createSocket('udp4');
socket.bind(0, source, async () => {
  for (let i = 0; i < Number(count); i++) await new Promise((done) => socket.send('x', 5353, destination, done));
  socket.close();
});
`;
const send = (count: number, source: string, destination = '10.79.0.65') =>
  execFileSync('nsenter', [`--net=/run/netns/${from}`, process.execPath, '-e', sender, source, destination, String(count)]);

const instances = (pid: number | undefined = process.pid) =>
  readdirSync(join(tracefs, 'instances')).filter((name) => name.startsWith(`tpdoctor-${pid}-`));
const sumOf = (counts: readonly DropCount[], reason: string) =>
  counts.filter((one) => one.reason === reason).reduce((sum, { count }) => sum + count, 0);

test('this machine is as it was: tpdoctor mounts nothing', () => {
  const before = execFileSync('cat', ['/proc/self/mounts'], { encoding: 'utf8' });
  const watched = watchDrops();
  if (watched.ok) watched.stop();
  expect(execFileSync('cat', ['/proc/self/mounts'], { encoding: 'utf8' })).toBe(before);
  if (!/ tracefs /.test(before)) expect(watched).toMatchObject({ ok: false, why: expect.stringMatching(/not mounted/) });
});

test('an address in a function of the running kernel gets its name', () => {
  const kallsyms = readFileSync('/proc/kallsyms', 'latin1');
  const start = /^([\da-f]{16}) T ip_rcv$/m.exec(kallsyms)?.[1] ?? '';
  const inside = (BigInt(`0x${start}`) + 5n).toString(16).padStart(16, '0');
  expect([...namesOf([inside], kallsyms)]).toEqual([[inside, 'ip_rcv']]);
});

describe.each(kernelLacks('CONFIG_EVENT_TRACING') ? [] : ['the kernel'])('%s', () => {
  test('tells why and where it dropped packets, each once', async () => {
    const watched = watchDrops(tracefs);
    if (!watched.ok) throw new Error(watched.why);
    expect(instances()).toHaveLength(1);
    send(7, '203.0.113.9');
    send(5, '10.79.0.1', '198.51.100.7');
    const { counts, lost } = await watched.stop();
    expect(lost).toBe(0);
    // Other namespaces of this machine may drop at the same time.
    expect(sumOf(counts, 'IP_RPFILTER')).toBeGreaterThanOrEqual(7);
    const validated = counts.find(({ reason }) => reason === 'IP_RPFILTER');
    expect(validated).toMatchObject({ where: expect.stringMatching(/^ip_rcv_finish/), protocol: 'IPv4' });
    expect(sumOf(counts, 'IP_INADDRERRORS') + sumOf(counts, 'NOT_SPECIFIED')).toBeGreaterThanOrEqual(5);
    expect(instances()).toEqual([]);
  });

  test('leaves nothing when stop is called twice', async () => {
    const watched = watchDrops(tracefs);
    if (!watched.ok) throw new Error(watched.why);
    const [first, second] = await Promise.all([watched.stop(), watched.stop()]);
    expect(first).toBe(second);
    expect(instances()).toEqual([]);
  });

  test('says how much was lost when drops come faster than they are read', async () => {
    const watched = watchDrops(tracefs);
    if (!watched.ok) throw new Error(watched.why);
    // This process reads nothing meanwhile.
    send(20_000, '203.0.113.9');
    const { counts, lost } = await watched.stop();
    expect(lost).toBeGreaterThan(0);
    expect(sumOf(counts, 'IP_RPFILTER') + lost).toBeGreaterThanOrEqual(20_000);
  });

  describe('a process that watches', () => {
    const program = `
import { watchDrops } from './drops.js';
const [tracefs, end] = process.argv.slice(2);
const watched = watchDrops(tracefs);
console.log(watched.ok ? 'watching' : watched.why);
const ends = { throw: () => { throw new Error('on purpose'); }, exit: () => process.exit(3), wait: () => setTimeout(() => undefined, 60_000) };
setTimeout(ends[end], 50);
`;
    const start = async (end: string): Promise<ChildProcess> => {
      const child = spawn(process.execPath, [join(directory, 'watcher.mjs'), tracefs, end], { stdio: ['ignore', 'pipe', 'ignore'] });
      if (child.stdout) expect(String(await once(child.stdout, 'data'))).toBe('watching\n');
      return child;
    };

    beforeAll(async () => {
      const input = new URL('../../src/capture/drops.ts', import.meta.url).pathname;
      const bundle = await rolldown({ input, platform: 'node', resolve: { extensionAlias: { '.js': ['.ts', '.js'] } } });
      await bundle.write({ file: join(directory, 'drops.js'), format: 'esm' });
      await writeFile(join(directory, 'package.json'), '{"type":"module"}');
      await writeFile(join(directory, 'watcher.mjs'), program);
    });

    test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves nothing after %s, by which it ends', async (signal) => {
      const child = await start('wait');
      expect(instances(child.pid)).toHaveLength(1);
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([null, signal]);
      expect(instances(child.pid)).toEqual([]);
    });

    test.each([
      ['throw', 1],
      ['exit', 3],
    ])('leaves nothing after %s', async (end, code) => {
      const child = await start(end);
      expect(await once(child, 'exit')).toEqual([code, null]);
      expect(instances(child.pid)).toEqual([]);
    });

    test('that was killed leaves its instance to the next one, which removes it, but not that of one that lives', async () => {
      const [killed, living] = [await start('wait'), await start('wait')];
      killed.kill('SIGKILL');
      await once(killed, 'exit');
      expect([killed, living].map(({ pid }) => instances(pid).length)).toEqual([1, 1]);
      const next = watchDrops(tracefs);
      expect([killed, living].map(({ pid }) => instances(pid).length)).toEqual([0, 1]);
      if (next.ok) await next.stop();
      living.kill();
      await once(living, 'exit');
      expect(instances(living.pid)).toEqual([]);
    });
  });
});
