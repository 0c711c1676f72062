import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Counts } from './engine.js';
import type { PcapTask } from './pcap.js';

/*
 * Captures through libpcap in a process of its own, so that analysis never starves it: the packets go to standard output as a pcap stream,
 * what there is to say of them to standard error, one JSON object a line. It ends on SIGTERM.
 */

/** Of a session of the package `pcap`, what is used here. `buf` and `header` hold one packet during its event. */
interface Session {
  link_type: string;
  buf: Buffer;
  /** Seconds, microseconds, captured and true length in native order: just what a pcap file has before each packet. */
  header: Buffer;
  session: { dispatch(buf: Buffer, header: Buffer): number; read_callback(): void };
  on(event: 'packet', listener: () => void): void;
  stats(): { ps_recv: number; ps_drop: number; ps_ifdrop: number };
}

interface Pcap {
  createSession(iface: string, options: Record<string, unknown>): Session;
  warningHandler(text: string): void;
}

/** Packets are waited for together, this long. */
const gatherMs = 5;
const gathering = new Int32Array(new SharedArrayBuffer(4));

const recordHeader = 16;
const nativeOrder = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 'little' : 'big';

/** Whole packets that wait for their turn to be written, all at once. */
const batch = Buffer.allocUnsafe(1024 * 1024);
let filled = 0;

function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

function flush(): void {
  write(batch.subarray(0, filled));
  filled = 0;
}

function keep({ buf, header }: Session): void {
  const length = nativeOrder === 'little' ? header.readUInt32LE(8) : header.readUInt32BE(8);
  if (filled + recordHeader + length > batch.length) flush();
  header.copy(batch, filled);
  buf.copy(batch, filled + recordHeader, 0, length);
  filled += recordHeader + length;
}

function tell(what: { ready: true } | Partial<Counts> | { why: string }): void {
  writeSync(2, `${JSON.stringify(what)}\n`);
}

/** Closing a session waits for a packet that may never come, and so may leaving in any other way. */
function leave(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
}

const linkTypes = new Map([
  ['LINKTYPE_NULL', 0],
  ['LINKTYPE_ETHERNET', 1],
  ['LINKTYPE_RAW', 101],
  ['LINKTYPE_LINUX_SLL', 113],
]);

/** The header of a pcap file (draft-ietf-opsawg-pcap) with times in microseconds. */
function fileHeader(linkType: string, snapLength: number): Uint8Array {
  const number = linkTypes.get(linkType) ?? Number(/\d+$/.exec(linkType)?.[0] ?? 0);
  const words = new Uint32Array([0xa1b2c3d4, 0, 0, 0, snapLength, number]);
  new Uint16Array(words.buffer).set([2, 4], 2);
  return new Uint8Array(words.buffer);
}

function open({ iface, filter, snapLength, ringBytes }: PcapTask): Session {
  const pcap = createRequire(import.meta.url)('pcap') as Pcap;
  // It warns that a link has no IPv4 address, which matters to filters of broadcast alone.
  pcap.warningHandler = () => undefined;
  // A timeout of 0 is libpcap's immediate mode.
  return pcap.createSession(iface, { filter, promiscuous: false, snap_length: snapLength, buffer_size: ringBytes, buffer_timeout: 0 });
}

function capture(task: PcapTask): void {
  const session = open(task);
  let captured = 0;
  const end = (): never => {
    flush();
    const { ps_recv, ps_drop, ps_ifdrop } = session.stats();
    tell({ captured, received: ps_recv, dropped: ps_drop + ps_ifdrop });
    return leave();
  };
  /** Takes all that the ring holds. */
  const read = (): void => {
    const packets = session.session.dispatch(session.buf, session.header);
    flush();
    if (packets >= 0) return;
    tell({ why: 'The interface disappeared' });
    end();
  };
  session.on('packet', () => {
    captured++;
    keep(session);
  });
  // The package's own one would not tell a failure from silence. To be woken for each packet alone would cost more than all else that is done with it.
  session.session.read_callback = () => {
    Atomics.wait(gathering, 0, 0, gatherMs);
    read();
  };
  // Node stops watching the ring for good when the link goes down, though it may come up again.
  setInterval(read, 100);
  process.on('SIGTERM', () => {
    read();
    end();
  });
  write(fileHeader(session.link_type, task.snapLength));
  tell({ ready: true });
}

try {
  capture(JSON.parse(process.argv[2] ?? '') as PcapTask);
} catch (error) {
  tell({ why: error instanceof Error ? error.message : String(error) });
  leave();
}
