import { type FiledHost, readCaseFile } from '../bundle/case-file.js';
import type { BundledTrace } from '../bundle/trace.js';
import type { CaseOptions } from '../engine/case.js';
import { collect, withFacts } from '../facts/collect.js';
import * as kernelRoutes from '../facts/kernel-routes.js';
import * as pings from '../facts/pings.js';
import { type Recording, record } from '../host/recording.js';
import { mergeSnapshots, writeSnapshots } from '../host/snapshot-file.js';
import { openHost, parseTarget } from '../host/target.js';
import type { Host, NamedHost, ReportedHost, Snapshot, Walk } from '../types.js';
import type { CheckOptions } from './options.js';

export interface GatherOptions {
  hosts: readonly NamedHost[];
  files: readonly string[];
  /** Destinations that upstreams must reach. */
  outbound: readonly string[];
  timeoutMs?: number;
  save?: string;
  /** Packets that bundles have are wanted, too. */
  captures?: boolean;
}

export interface Gathered {
  snapshots: Map<string, Snapshot>;
  hosts: Omit<ReportedHost, 'roles'>[];
  recordings: Record<string, Recording>;
  /** The case as it was asked about, bundles included. */
  caseOptions: CaseOptions;
  /** Of bundles, where they were wanted. */
  traces: readonly BundledTrace[];
}

/** What the user said about the case. */
export function caseOptionsOf({ clients, hosts, nginxPid }: Pick<CheckOptions, 'clients' | 'hosts' | 'nginxPid'>): CaseOptions {
  return {
    clients,
    roles: new Map(hosts.flatMap(({ name, roles }) => (roles ? [[name, roles] as const] : []))),
    ...(nginxPid === undefined ? {} : { nginxPid }),
  };
}

/** Loaded while the first questions are on their way. */
const loadPrediction = async () => ({ ...(await import('../engine/case.js')), ...(await import('../path/questions.js')) });

interface Reached {
  named: NamedHost;
  /** Absent for a host that comes from a file. */
  host?: Host;
  snapshot?: Snapshot;
  why?: string;
  recording?: () => Recording;
  /** What was asked when the bundle was made that this comes from. */
  asked?: Asked;
  /** What was captured there. */
  trace?: BundledTrace;
}

type Asked = { clients: readonly string[]; nginxPid?: number | undefined };

/** Snapshots of all hosts, asked in parallel, each with its own time limit; then what the whole case asks of them: routes and pings. */
export async function gather(
  options: GatherOptions,
  given: CaseOptions,
  io: { progress(text: string): void; warn(text: string): void },
): Promise<Gathered> {
  const named = options.hosts.length > 0 || options.files.length > 0 ? options.hosts : [{ name: 'local', target: 'local' }];
  io.progress(named.length > 0 ? `asking ${named.map(({ name }) => name).join(', ')}` : `reading ${options.files.join(', ')}`);
  const reached = [
    ...(await Promise.all(named.map((host) => reach(host, options)))),
    ...(await Promise.all(options.files.map((path) => fromFile(path, options)))).flat(),
  ];
  for (const { named: host, why } of reached) if (why !== undefined) io.warn(`${host.name}: ${why}`);
  const { byHost: snapshots, doubled } = mergeSnapshots(reached.flatMap(({ snapshot }) => snapshot ?? []));
  for (const name of new Set(doubled)) io.warn(`${name} was given more than once: the newest snapshot counts`);
  const caseOptions = withBundles(given, reached);
  io.progress('asking for routes');
  await askAboutCase(snapshots, reached, caseOptions, options.outbound);
  if (options.save !== undefined) await save(options.save, [...snapshots.values()], io);
  return {
    snapshots,
    hosts: reached.map(({ named: { name, target }, why }) => ({
      name,
      target,
      reached: why === undefined,
      ...(why === undefined ? {} : { why }),
    })),
    recordings: Object.fromEntries(reached.flatMap(({ named: { name }, recording }) => (recording ? [[name, recording()]] : []))),
    caseOptions,
    traces: reached.flatMap(({ trace }) => trace ?? []),
  };
}

/** A full disk must not cost the diagnosis. */
async function save(path: string, snapshots: readonly Snapshot[], io: { warn(text: string): void }): Promise<void> {
  try {
    await writeSnapshots(path, snapshots);
  } catch (error) {
    io.warn(`the snapshots were not saved: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function reach(named: NamedHost, options: GatherOptions): Promise<Reached> {
  const target = parseTarget(named.target, named.ssh);
  if ('error' in target) return { named, why: target.error };
  if (target.kind === 'file') return (await fromFile(target.path, options, named))[0] ?? { named, why: `${target.path} holds no snapshot` };
  const { host, recording } = record(openHost(target, options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }));
  // In one batch: over a slow link, every round of questions counts.
  const [alive, snapshot] = await Promise.all([
    host({ read: '/proc/uptime' }),
    collect(host, named.name, { local: target.kind === 'local' }),
  ]);
  return alive.ok ? { named, host, recording, snapshot } : { named, why: alive.why };
}

/** The hosts of a file; one of them when the user gave a name: the one of that name, or the only one under a new name. */
async function fromFile(path: string, { captures = false }: GatherOptions, as?: NamedHost): Promise<Reached[]> {
  const read = await readCaseFile(path, { captures });
  if (!read.ok) return [{ named: as ?? { name: path, target: path }, why: read.why }];
  const { hosts, asked, trace } = read;
  const reached = (host: FiledHost, named: NamedHost, first: boolean): Reached => ({
    named,
    ...(host.snapshot ? { snapshot: { ...host.snapshot, host: named.name } } : {}),
    ...(host.why === undefined ? {} : { why: host.why }),
    ...(asked ? { asked } : {}),
    ...(trace && first ? { trace } : {}),
  });
  if (!as)
    return hosts.map((host, n) => reached(host, { name: host.name, target: path, ...(host.roles ? { roles: host.roles } : {}) }, n === 0));
  const [only] = hosts;
  const host = hosts.find(({ name }) => name === as.name) ?? (hosts.length === 1 ? only : undefined);
  const names = hosts.map(({ name }) => name).join(', ');
  if (!host) return [{ named: as, why: `${path} holds ${names || 'no host'}, and no ${as.name}` }];
  const own = reached(host, as, false);
  return [trace ? { ...own, trace: renamed(trace, host.name, as.name) } : own];
}

/** What was captured on one host, under its new name. */
function renamed(trace: BundledTrace, from: string, to: string): BundledTrace {
  const own = <T extends { host: string }>(each: readonly T[]): T[] =>
    each.filter(({ host }) => host === from).map((one) => ({ ...one, host: to }));
  return { ...trace, points: own(trace.points), counters: own(trace.counters), captures: own(trace.captures) };
}

/** A bundle is judged as its hosts were when it was made, unless the user asks for something else now. */
function withBundles(given: CaseOptions, reached: readonly Reached[]): CaseOptions {
  const [first, ...others] = [...new Set(reached.flatMap(({ asked }) => asked ?? []))];
  if (!first) return given;
  const clients = [...new Set([first, ...others].flatMap((asked) => asked.clients))];
  // A process id means something on its own hosts alone.
  const nginxPid = given.nginxPid ?? (others.length === 0 ? first.nginxPid : undefined);
  const roles = reached.flatMap(({ named }) => (named.roles ? [[named.name, named.roles] as const] : []));
  return {
    ...given,
    clients: given.clients.length > 0 ? given.clients : clients,
    roles: new Map([...roles, ...given.roles]),
    ...(nginxPid === undefined ? {} : { nginxPid }),
  };
}

/** Walks once with the model, then asks the kernels what the walks asked, pings what nginx talks to, and tries what upstreams must reach. */
async function askAboutCase(
  snapshots: Map<string, Snapshot>,
  reached: readonly Reached[],
  options: CaseOptions,
  destinations: readonly string[],
): Promise<void> {
  const { buildCase, questionsOf } = await loadPrediction();
  const c = buildCase(snapshots, options);
  const questions = questionsOf(c.walks);
  const proxies = new Set(c.services.filter((service) => service.mode !== 'plain').map((service) => service.host));
  await Promise.all(
    reached.map(async ({ host, snapshot }) => {
      if (!host || !snapshot) return;
      const near = proxies.has(snapshot.host) ? pingTargets(c.walks, snapshot.host) : [];
      const far = c.roles.get(snapshot.host)?.includes('upstream') ? destinations : [];
      const [asked, pinged, outbound] = await Promise.all([
        kernelRoutes.ask(host, questions.get(snapshot.host) ?? []),
        pings.ask(host, near),
        pings.ask(host, far),
      ]);
      snapshots.set(snapshot.host, withFacts(snapshot, { kernelRoutes: asked, outbound, ...(near.length > 0 ? { pings: pinged } : {}) }));
    }),
  );
}

const mostPings = 12;

/** Clients and upstreams of a proxy's services, real ones only. */
function pingTargets(walks: readonly Walk[], host: string): string[] {
  const own = walks.filter((walk) => walk.service.host === host);
  const addresses = own.flatMap((walk) => [walk.upstream.address ?? [], walk.clientAssumed ? [] : walk.client].flat());
  return [...new Set(addresses)].slice(0, mostPings);
}
