import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { observationOf } from '../engine/observation.js';
import { ownMacs } from '../engine/traced-services.js';
import { learn } from '../journeys/learn.js';
import { type ByteSource, readBeginnings, readTogether } from '../journeys/offline.js';
import type { TracedService } from '../journeys/services.js';
import { type TracedPoint, Tracer } from '../journeys/tracer.js';
import type { Case, Observation } from '../types.js';
import { type Io, UsageError } from './options.js';

const bufferBytes = 262_144;

/** Reads capture files side by side, each as a point of its host. */
export function traceFiles(
  files: readonly { host: string; file: string }[],
  { c, services, clients }: { c: Case; services: readonly TracedService[]; clients: readonly string[] },
  io: Io,
): Observation {
  const points: TracedPoint[] = files.map(({ host, file }) => ({
    host,
    iface: ifaceOf(file, host),
    ownMacs: ownMacs(c, host),
    clockOffset: 0,
  }));
  const open = files.map(
    ({ file }) =>
      () =>
        openFile(file),
  );
  io.progress('looking at the captures');
  const learned = learn(points, services, (viewpoints, see) => readBeginnings(open, viewpoints, see));
  const tracer = new Tracer(learned.points, learned.services, { clients });
  io.progress(`reading ${files.length} capture${files.length === 1 ? '' : 's'}`);
  const ends = readTogether(
    open.map((begin) => begin()),
    learned.points,
    (point, packet, _, quoted) => tracer.see(point, packet, quoted),
  );
  ends.forEach(({ why }, n) => {
    if (why !== undefined) io.warn(`${files[n]?.file}: ${why}${tracer.packets[n] === 0 ? '' : '; what came before was read'}`);
  });
  const counts = learned.points.map(({ host, iface }, n) => ({
    host,
    iface,
    packets: tracer.packets[n] ?? 0,
    dropped: ends[n]?.dropped ?? 0,
  }));
  return observationOf(tracer, counts, []);
}

/** Read in large pieces and handed out in small ones; closed when it is read to its end. */
function openFile(file: string): ByteSource {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    if (fstatSync(descriptor).isDirectory()) throw new Error('it is a directory');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const buffer = new Uint8Array(bufferBytes);
  let [at, end] = [0, 0];
  return {
    next(most) {
      if (descriptor === undefined) return undefined;
      if (at === end) [at, end] = [0, readSync(descriptor, buffer)];
      const from = at;
      at = Math.min(end, at + most);
      if (at > from) return buffer.subarray(from, at);
      closeSync(descriptor);
      descriptor = undefined;
      return undefined;
    },
  };
}

/** `proxy-eth0.pcap`, as --write names them, is of eth0; another name is the name of the point. */
function ifaceOf(file: string, host: string): string {
  const base = (file.split('/').at(-1) ?? file).replace(/\.(?:pcap|pcapng|cap)$/i, '');
  return base.startsWith(`${host}-`) || base.startsWith(`${host}.`) ? base.slice(host.length + 1) : base;
}
