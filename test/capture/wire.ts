import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { CapturePlan } from '../../src/capture/plan.js';
import { CaptureReader } from '../../src/packets/capture-reader.js';

/** Two hosts, a and b, on one wire: 10.0.0.1 and 10.0.0.2 on eth0, whose Ethernet addresses end in 1 and 2. */
export class Wire {
  private static count = 0;

  private constructor(private readonly id: string) {}

  static async lay(): Promise<Wire> {
    const wire = new Wire(`tpcap${process.pid}x${Wire.count++}`);
    const [a, b] = [wire.namespaceOf('a'), wire.namespaceOf('b')];
    await execa('ip', ['-batch', '-'], {
      input: `netns add ${a}
netns add ${b}
link add eth0 netns ${a} address 02:00:00:00:00:01 type veth peer name eth0 netns ${b} address 02:00:00:00:00:02
`,
    });
    // Neighbours that are known need no questions, which might go unanswered on a busy machine.
    const up = (own: number, other: number) => `ip link set lo up; ip link set eth0 up
      ip addr add 10.0.0.${own}/24 dev eth0; ip addr add fd00::${own}/64 dev eth0 nodad
      for to in 10.0.0.${other} fd00::${other}; do ip neigh add $to lladdr 02:00:00:00:00:0${other} dev eth0; done`;
    await Promise.all([wire.run('a', up(1, 2)), wire.run('b', up(2, 1))]);
    await wire.carries();
    return wire;
  }

  /** Settles when a link that is up sends, too: the kernel notices its carrier some time later, and drops what is sent before. */
  async carries(): Promise<void> {
    const script = 'until ip link show eth0 | grep -q "state UP"; do sleep 0.02; done';
    await Promise.all((['a', 'b'] as const).map((host) => this.run(host, script)));
  }

  namespaceOf(host: 'a' | 'b'): string {
    return `${this.id}${host}`;
  }

  /** Runs a script (`sh -e`) on a host, for at most 30 s. */
  async run(host: 'a' | 'b', script: string): Promise<string> {
    const words = [`--net=/run/netns/${this.namespaceOf(host)}`, 'sh', '-ec', script];
    return (await execa('nsenter', words, { stdin: 'ignore', timeout: 30_000 })).stdout;
  }

  /** `count` datagrams of 100 bytes from a to port 5300 of b, in bunches, at most so many in a second. */
  async send(count: number, perSecond = 1000): Promise<void> {
    const words = [`--net=/run/netns/${this.namespaceOf('a')}`, process.execPath, '-e', sender, String(count), String(perSecond)];
    await execa('nsenter', words, { stdin: 'ignore', timeout: 60_000 });
  }

  /** A whole Ethernet frame from a to b. */
  async sendFrame(frame: Uint8Array): Promise<void> {
    const program =
      'import socket, sys; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0)); s.send(sys.stdin.buffer.read())';
    await execa('nsenter', [`--net=/run/netns/${this.namespaceOf('a')}`, 'python3', '-c', program], { input: frame });
  }

  /** Process ids on a host, one a line. */
  async processes(host: 'a' | 'b'): Promise<string> {
    return (await execa('ip', ['netns', 'pids', this.namespaceOf(host)])).stdout;
  }

  plan(change: Partial<CapturePlan> = {}): CapturePlan {
    const target = { kind: 'netns' as const, name: this.namespaceOf('b') };
    return { host: 'b', target, iface: 'eth0', index: 2, filter: 'udp port 5300', snapLength: 128, ...change };
  }

  async remove(): Promise<void> {
    await Promise.all((['a', 'b'] as const).map((host) => execa('ip', ['netns', 'del', this.namespaceOf(host)], { reject: false })));
  }
}

/** Each datagram bears its number in its first four bytes. */
const sender = `
const [count, perSecond] = process.argv.slice(1).map(Number);
const socket = require('dgram').createSocket('udp4');
socket.on('error', () => undefined);
const began = performance.now();
let sent = 0;
const tick = () => {
  const due = Math.min(count, Math.ceil((performance.now() - began) / 1000 * perSecond));
  for (; sent < due; sent++) {
    const datagram = Buffer.alloc(100);
    datagram.writeUInt32BE(sent);
    socket.send(datagram, 5300, '10.0.0.2', sent === count - 1 ? () => setTimeout(() => socket.close(), 200) : undefined);
  }
  if (sent < count) setTimeout(tick, 2);
};
socket.bind(0, tick);
`;

/** Collects the frames of a capture. */
export class Frames {
  readonly all: Buffer[] = [];
  /** As long as they were on the wire. */
  readonly lengths: number[] = [];
  private readonly reader = new CaptureReader((bytes, start, length, wireLength) => {
    this.all.push(Buffer.from(bytes.subarray(start, start + length)));
    this.lengths.push(wireLength);
  });
  readonly push = (chunk: Uint8Array): void => this.reader.push(chunk);

  end() {
    return this.reader.end();
  }

  /** Numbers of the datagrams that Wire.send sent, in order: a sender that moves to another processor may overtake itself. */
  numbers(): number[] {
    return this.all.map((frame) => frame.readUInt32BE(42)).sort((a, b) => a - b);
  }

  async untilThereAre(count: number, timeoutMs = 20_000): Promise<void> {
    for (const end = Date.now() + timeoutMs; this.all.length < count && Date.now() < end; ) await sleep(10);
  }
}
