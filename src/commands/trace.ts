import type { BundledTrace } from '../bundle/trace.js';
import { buildCase, type CaseOptions } from '../engine/case.js';
import { tracedServices } from '../engine/traced-services.js';
import { exitCodeOf } from '../engine/verdict.js';
import { parseTarget } from '../host/target.js';
import type { TracedService } from '../journeys/services.js';
import type { Case, NamedHost, Observation } from '../types.js';
import { keep } from './check.js';
import { caseOptionsOf, type Gathered, gather } from './gather.js';
import { loadJudge } from './judge.js';
import { madeDirectory } from './new-directory.js';
import { type CheckResult, type Io, type TraceOptions, UsageError } from './options.js';

/** `tpdoctor trace`: follows packets over all hosts, live or in capture files, and lays what they did over what was predicted. */
export async function runTrace(options: TraceOptions, io: Io, ended: AbortSignal): Promise<CheckResult> {
  const started = Date.now();
  const [gathered, judge] = await Promise.all([askHosts(options, caseOptionsOf(options), io), loadJudge()]);
  const c = buildCase(gathered.snapshots, gathered.caseOptions);
  const wish = options.ports.length > 0 ? options : { ...options, ports: gathered.traces.flatMap(({ ports }) => ports) };
  const services = tracedServices(c, wish);
  if (services.length === 0) throw new UsageError(nothingToTrace(c, wish));
  const observed = await observe(options, { c, services, traces: gathered.traces }, io, ended);
  if (options.record !== undefined) await keep(options.record, gathered.recordings, io);
  const report = judge({ ...gathered, hosts: withCaptured(gathered, options) }, options, started, { observed, ...aboutTraced(services) });
  return { report, exitCode: exitCodeOf(report.verdict) };
}

/** Where the configuration tells the services; else there are none to tell apart. */
export function aboutTraced(services: readonly TracedService[]): { about?: ReadonlySet<string> } {
  const ids = services.flatMap(({ id }) => id ?? []);
  return ids.length > 0 ? { about: new Set(ids) } : {};
}

/** Capture files need no host at all; without them this host is meant when none is named. */
async function askHosts(options: TraceOptions, caseOptions: CaseOptions, io: Io): Promise<Gathered> {
  if (options.read.length > 0 && options.hosts.length + options.files.length === 0)
    return { snapshots: new Map(), hosts: [], recordings: {}, caseOptions, traces: [] };
  return gather({ ...options, outbound: [], captures: options.read.length === 0 }, caseOptions, io);
}

async function observe(
  options: TraceOptions,
  traced: { c: Case; services: readonly TracedService[]; traces: readonly BundledTrace[] },
  io: Io,
  ended: AbortSignal,
): Promise<Observation> {
  const { clients, write } = options;
  if (options.read.length > 0) {
    const { traceFiles } = await import('./trace-files.js');
    return traceFiles(options.read, { ...traced, clients, ...(write === undefined ? {} : { write }) }, io);
  }
  if (traced.traces.length > 0 && !options.hosts.some(isLive)) {
    if (write !== undefined || options.probe || options.drops)
      throw new UsageError('a bundle has its packets already: --probe, --write and --drops need live hosts');
    const { traceBundled } = await import('./trace-bundled.js');
    return traceBundled(traced.traces, { ...traced, clients }, io);
  }
  const [{ traceLive }, { saveInto }] = await Promise.all([import('./trace-live.js'), import('../capture/save.js')]);
  if (write === undefined) return traceLive(options, traced, io, ended);
  return traceLive(options, { ...traced, save: saveInto(await madeDirectory(write), io.warn) }, io, ended);
}

function isLive({ target, ssh }: NamedHost): boolean {
  const parsed = parseTarget(target, ssh);
  return !('error' in parsed) && parsed.kind !== 'file';
}

/** A host of which there is a capture alone. */
function withCaptured({ hosts }: Gathered, { read }: TraceOptions): Gathered['hosts'] {
  const named = new Set(hosts.map(({ name }) => name));
  const captured = read.filter(({ host }, n) => !named.has(host) && read.findIndex((other) => other.host === host) === n);
  return [...hosts, ...captured.map(({ host, file }) => ({ name: host, target: file, reached: true }))];
}

export function nothingToTrace(c: Case, { ports }: Pick<TraceOptions, 'ports'>): string {
  const there = c.services.map(({ id }) => id).join(', ');
  if (c.services.length === 0 && ports.length === 0)
    return 'no service is known: name the listening port with --port, or nginx’s host with --host';
  return `no service listens on port ${ports.join(' or ')}; there are: ${there}`;
}
