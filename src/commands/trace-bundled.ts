import type { BundledTrace } from '../bundle/trace.js';
import { readCaptures } from '../capture/files/read.js';
import { observationOf } from '../engine/observation.js';
import type { TracedService } from '../journeys/services.js';
import { Tracer } from '../journeys/tracer.js';
import type { Observation, PointCount } from '../types.js';
import type { Io } from './options.js';
import { pointOf } from './traced-point.js';

/** Goes over the packets of bundles as they were gone over when they were captured. The files are closed afterwards. */
export async function traceBundled(
  traces: readonly BundledTrace[],
  { services, clients }: { services: readonly TracedService[]; clients: readonly string[] },
  io: Io,
): Promise<Observation> {
  const captures = traces.flatMap((trace) => trace.captures);
  try {
    const points = captures.map(pointOf);
    const tracer = new Tracer(points, services, { clients });
    io.progress(`reading ${captures.length} capture${captures.length === 1 ? '' : 's'}`);
    const ends = await readCaptures(
      captures.map(({ file }) => file),
      points,
      (point, packet, quoted) => tracer.see(point, packet, quoted),
    );
    ends.forEach(({ why }, n) => {
      const { host, iface } = captures[n] ?? {};
      if (why !== undefined) io.warn(`the capture of ${host} ${iface}: ${why}`);
    });
    const counts = traces.flatMap((trace) => trace.points).map((point) => counted(point, captures, tracer));
    const window = windowOf(traces);
    const counters = traces.flatMap((trace) => trace.counters);
    return observationOf(tracer, tracer.finish(window.to), counts, counters, window);
  } finally {
    for (const capture of captures) capture.close();
  }
}

/** As many packets as belong to what is asked for now. */
function counted(point: PointCount, captures: readonly { host: string; iface: string }[], tracer: Tracer): PointCount {
  const isOf = ({ host, iface }: { host: string; iface: string }): boolean => host === point.host && iface === point.iface;
  return { ...point, packets: captures.reduce((sum, capture, n) => sum + (isOf(capture) ? (tracer.packets[n] ?? 0) : 0), 0) };
}

/** In microseconds since the epoch. */
function windowOf(traces: readonly BundledTrace[]): { from: number; to: number } {
  return {
    from: Math.min(...traces.map(({ window }) => Date.parse(window.from))) * 1000,
    to: Math.max(...traces.map(({ window }) => Date.parse(window.to))) * 1000,
  };
}
