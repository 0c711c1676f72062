import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { pcapEngine } from '../../src/capture/pcap.js';
import type { CapturePlan } from '../../src/capture/plan.js';
import { startCapture } from '../../src/capture/start.js';
import { tcpdump } from '../../src/capture/tcpdump.js';
import { Frames, Wire } from './wire.js';

let wire: Wire;
beforeAll(async () => {
  wire = await Wire.lay();
});
afterAll(() => wire.remove());

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

const root = new URL('../../', import.meta.url);
const child = fileURLToPath(new URL('dist/program/pcap-child.js', root));

/** What tpdoctor does, in a process that can be killed. */
const killedScript = `
import { startCapture } from './dist/src/capture/start.js';
import { pcapEngine } from './dist/src/capture/pcap.js';
import { tcpdump } from './dist/src/capture/tcpdump.js';
const [name, plan] = process.argv.slice(1);
const engine = name === 'pcap' ? pcapEngine('dist/program/pcap-child.js') : tcpdump;
console.log(await startCapture(JSON.parse(plan), () => undefined, { engine }).ready);
`;
const engines = [tcpdump, pcapEngine(child)];

describe.each(engines)('a capture by $name', (engine) => {
  it('hands over each packet at once, and its counts at its end', async () => {
    const frames = new Frames();
    const capture = startCapture(wire.plan(), frames.push, { engine });
    expect(await capture.ready).toEqual({ ok: true });
    await wire.send(20);
    await frames.untilThereAre(20);
    expect(frames.numbers()).toEqual(range(20));
    expect(await capture.stop()).toEqual({ captured: 20, received: 20, dropped: 0 });
    expect(frames.end()).toEqual({ ok: true, packets: 20 });
  });

  it.each([
    ['of an interface that is not there', { iface: 'nope' }, /No such device/],
    ['with a filter that makes no sense', { filter: 'udp prt 53' }, /syntax error/],
    ['of a host that is not there', { target: { kind: 'netns' as const, name: 'tp-not-there' } }, /no network namespace "tp-not-there"/],
  ])('%s tells why it does not begin', async (_, change, why) => {
    const capture = startCapture(wire.plan(change), () => undefined, { engine });
    expect(await capture.ready).toEqual({ ok: false, why: expect.stringMatching(why) });
    expect((await capture.ended).why).toMatch(why);
  });

  it('without permission says what it needs', async () => {
    const command = (plan: CapturePlan) => ['setpriv', '--bounding-set', '-net_raw', ...engine.command(plan)] as const;
    const capture = startCapture(wire.plan(), () => undefined, { engine: { ...engine, command } });
    expect(await capture.ready).toEqual({ ok: false, why: expect.stringMatching(/permi.*CAP_NET_RAW/) });
  });

  it('whose program is not installed says so', async () => {
    const capture = startCapture(wire.plan(), () => undefined, { engine: { ...engine, command: () => ['/usr/bin/not-here', '-w'] } });
    expect(await capture.ready).toEqual({ ok: false, why: 'not-here is not installed there' });
  });

  it('ends by itself when its interface disappears, with all that it saw', async () => {
    const own = await Wire.lay();
    onTestFinished(() => own.remove());
    const frames = new Frames();
    const capture = startCapture(own.plan(), frames.push, { engine });
    await capture.ready;
    await own.send(10);
    await own.run('a', 'ip link del eth0');
    expect(await capture.ended).toEqual({ captured: 10, received: 10, dropped: 0, why: 'The interface disappeared' });
    expect(frames.numbers()).toEqual(range(10));
    expect(await capture.stop()).toEqual(await capture.ended);
  });

  it('goes on when its interface goes down and comes back', async () => {
    const own = await Wire.lay();
    onTestFinished(() => own.remove());
    const frames = new Frames();
    const capture = startCapture(own.plan(), frames.push, { engine });
    await capture.ready;
    await own.run('b', 'ip link set eth0 down; sleep 0.2; ip link set eth0 up');
    await own.carries();
    await own.send(10);
    await frames.untilThereAre(10);
    expect(await capture.stop()).toMatchObject({ captured: 10, dropped: 0 });
  });

  it('drops nothing of 20000 packets a second', { timeout: 60_000 }, async () => {
    const frames = new Frames();
    const capture = startCapture(wire.plan(), frames.push, { engine });
    await capture.ready;
    await wire.send(60_000, 20_000);
    await frames.untilThereAre(60_000);
    expect(await capture.stop()).toEqual({ captured: 60_000, received: 60_000, dropped: 0 });
    expect(frames.numbers()).toEqual(range(60_000));
  });

  it('drops nothing while tpdoctor is busy for two seconds', async () => {
    const frames = new Frames();
    const capture = startCapture(wire.plan(), frames.push, { engine });
    await capture.ready;
    const sent = wire.send(40_000, 20_000);
    await frames.untilThereAre(1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    await sent;
    await frames.untilThereAre(40_000);
    expect(await capture.stop()).toEqual({ captured: 40_000, received: 40_000, dropped: 0 });
  });

  it('leaves its interface out of promiscuous mode', async () => {
    const capture = startCapture(wire.plan(), () => undefined, { engine });
    await capture.ready;
    expect(await wire.run('b', 'ip -d link show eth0')).toContain('promiscuity 0');
    await capture.stop();
  });

  it('ends by itself when nothing was ever seen', async () => {
    const capture = startCapture(wire.plan({ filter: 'udp port 9' }), () => undefined, { engine });
    await capture.ready;
    // One that waits for a packet is killed, and tells no counts.
    expect(await capture.stop()).toEqual({ captured: 0, received: 0, dropped: 0 });
  });

  it('hands over what came last before it is stopped', async () => {
    const frames = new Frames();
    const capture = startCapture(wire.plan(), frames.push, { engine });
    await capture.ready;
    await wire.send(100, 100_000);
    expect(await capture.stop()).toMatchObject({ captured: 100 });
    expect(frames.end()).toEqual({ ok: true, packets: 100 });
  });

  it('leaves nothing behind when tpdoctor is killed', async () => {
    const own = await Wire.lay();
    onTestFinished(() => own.remove());
    const words = ['--input-type=module', '-e', killedScript, engine.name, JSON.stringify(own.plan())];
    const doctor = spawn(process.execPath, words, { cwd: fileURLToPath(root), stdio: ['ignore', 'pipe', 'inherit'] });
    await once(doctor.stdout, 'data');
    expect(await own.processes('b')).not.toBe('');
    doctor.kill('SIGKILL');
    await once(doctor, 'exit');
    await expect.poll(() => own.processes('b'), { timeout: 20_000 }).toBe('');
  });
});

describe('a capture by tcpdump', () => {
  it('of one direction sees nothing of the other', async () => {
    const [incoming, outgoing] = [new Frames(), new Frames()];
    const captures = [
      startCapture(wire.plan({ direction: 'in' }), incoming.push),
      startCapture(wire.plan({ direction: 'out' }), outgoing.push),
    ];
    expect(await Promise.all(captures.map(({ ready }) => ready))).toEqual([{ ok: true }, { ok: true }]);
    await wire.send(5);
    await incoming.untilThereAre(5);
    await Promise.all(captures.map((capture) => capture.stop()));
    expect([incoming.all.length, outgoing.all.length]).toEqual([5, 0]);
  });
});

describe('where neither engine is installed', () => {
  it('a capture says what would help', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tpcap-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    for (const program of ['sh', 'nsenter']) await symlink(`/usr/bin/${program}`, join(dir, program));
    vi.stubEnv('PATH', dir);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    // The sources have no built child, without which the package is of no use.
    const capture = startCapture(wire.plan(), () => undefined);
    expect(await capture.ready).toEqual({
      ok: false,
      why: expect.stringMatching(/^tcpdump is not installed there, nor is the npm package pcap/),
    });
  });
});

/** What the test below sends; hosts speak of themselves at times of their own (neighbour and multicast listener discovery, closed ports). */
const sentHere = 'udp or (icmp and (icmp[0] == 8 or icmp[0] == 0)) or (icmp6 and (ip6[40] == 128 or ip6[40] == 129))';

describe('both engines', () => {
  it('tell the same of the same traffic', async () => {
    const streams = engines.map(() => ({ frames: new Frames(), header: Buffer.alloc(0) }));
    const captures = engines.map((engine, index) => {
      const stream = streams[index] ?? expect.unreachable();
      const push = (chunk: Uint8Array) => {
        if (stream.header.length === 0) stream.header = Buffer.from(chunk.subarray(0, 24));
        stream.frames.push(chunk);
      };
      return startCapture(wire.plan({ filter: sentHere, snapLength: 80 }), push, { engine });
    });
    expect(await Promise.all(captures.map(({ ready }) => ready))).toEqual([{ ok: true }, { ok: true }]);
    await wire.send(500, 5000);
    await wire.run('a', 'ping -q -c 5 -i 0.01 -s 1000 10.0.0.2; ping -q -c 5 -i 0.01 fd00::2');
    await Promise.all(streams.map(({ frames }) => frames.untilThereAre(520)));
    const counts = { captured: 520, received: 520, dropped: 0 };
    expect(await Promise.all(captures.map((capture) => capture.stop()))).toEqual([counts, counts]);
    const [first, second] = streams;
    expect(second?.header).toEqual(first?.header);
    expect(second && told(second.frames)).toEqual(first && told(first.frames));
  });
});

/** What was seen, in an order of its own: packets that two processors take at once come to two captures in two orders. */
function told({ all, lengths }: Frames): string[] {
  return all.map((frame, index) => `${frame.toString('hex')} of ${lengths[index]} bytes`).sort();
}
