import { openFile } from '../capture/files/open.js';
import { readCaptures } from '../capture/files/read.js';
import { observationOf } from '../engine/observation.js';
import { ownMacs } from '../engine/traced-services.js';
import { learn } from '../journeys/learn.js';
import { type ByteSource, readBeginnings } from '../journeys/offline.js';
import type { TracedService } from '../journeys/services.js';
import { type TracedPoint, Tracer } from '../journeys/tracer.js';
import type { Case, Observation } from '../types.js';
import { madeDirectory } from './new-directory.js';
import { type Io, UsageError } from './options.js';
import { writeMerged } from './trace-merged.js';

/** Reads capture files side by side, each as a point of its host. */
export async function traceFiles(
  files: readonly { host: string; file: string }[],
  { c, services, clients, write }: { c: Case; services: readonly TracedService[]; clients: readonly string[]; write?: string },
  io: Io,
): Promise<Observation> {
  const points: TracedPoint[] = files.map(({ host, file }) => ({
    host,
    iface: ifaceOf(file, host),
    ownMacs: ownMacs(c, host),
    clockOffset: 0,
  }));
  const paths = files.map(({ file }) => file);
  const open = paths.map((path) => () => opened(path));
  io.progress('looking at the captures');
  const learned = learn(points, services, (viewpoints, see) => readBeginnings(open, viewpoints, see));
  const tracer = new Tracer(learned.points, learned.services, { clients });
  io.progress(`reading ${files.length} capture${files.length === 1 ? '' : 's'}`);
  const ends = await readCaptures(paths, learned.points, (point, packet, quoted) => tracer.see(point, packet, quoted));
  ends.forEach(({ why }, n) => {
    if (why !== undefined) io.warn(`${files[n]?.file}: ${why}${tracer.packets[n] === 0 ? '' : '; what came before was read'}`);
  });
  const counts = learned.points.map(({ host, iface }, n) => ({
    host,
    iface,
    packets: tracer.packets[n] ?? 0,
    dropped: ends[n]?.dropped ?? 0,
  }));
  const finished = tracer.finish();
  if (write !== undefined)
    writeMerged(
      await madeDirectory(write),
      learned.points.map((point, n) => ({ point, path: paths[n] ?? '' })),
      finished,
      io,
    );
  return observationOf(tracer, finished, counts, []);
}

function opened(path: string): ByteSource {
  try {
    return openFile(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `proxy-eth0.pcap`, as --write names them, is of eth0; another name is the name of the point. */
function ifaceOf(file: string, host: string): string {
  const base = (file.split('/').at(-1) ?? file).replace(/\.(?:pcap|pcapng|cap)$/i, '');
  return base.startsWith(`${host}-`) || base.startsWith(`${host}.`) ? base.slice(host.length + 1) : base;
}
