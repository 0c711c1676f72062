import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type CounterReading, differ, readCounters } from '../capture/counters.js';
import type { CaptureEnd, CapturePlan, RunningCapture } from '../capture/plan.js';
import { plansFor } from '../capture/points.js';
import { planProbe, sendProbe } from '../capture/probe.js';
import type { SavedCapture } from '../capture/save.js';
import { startCapture } from '../capture/start.js';
import { observationOf } from '../engine/observation.js';
import { type LiveTarget, openHost, parseTarget } from '../host/target.js';
import { Feed } from '../journeys/feed.js';
import type { TracedService } from '../journeys/services.js';
import { Tracer } from '../journeys/tracer.js';
import type { Case, Host, NamedHost, Observation, PointCount, Walk } from '../types.js';
import { type Io, type TraceOptions, UsageError } from './options.js';
import { watchAllDrops } from './trace-drops.js';
import { writeMerged } from './trace-merged.js';
import { showProgress } from './trace-progress.js';
import { pointOf } from './traced-point.js';

/** Enough for headers, the beginning of a request and a DNS question, in bytes. */
const snapLength = 384;
/** Answers of the last requests are on their way when a capture is to end: how long they are waited for, in milliseconds. */
const afterglowMs = 1800;
const lookEveryMs = 500;
const settleEveryMs = 100;

/** Captures on all hosts at once until time, transactions or the user say that it is enough. */
export async function traceLive(
  options: TraceOptions,
  { c, services, save }: { c: Case; services: readonly TracedService[]; save?: (plan: CapturePlan) => SavedCapture },
  io: Io,
  ended: AbortSignal,
): Promise<Observation> {
  const plans = plansOf(options, c, services);
  if (plans.length === 0)
    throw new UsageError('none of the hosts can be captured on: name live ones with --host NAME=local, NAME=ssh://HOST or NAME=netns:NAME');
  const points = plans.map(pointOf);
  const tracer = new Tracer(points, services, { clients: options.clients });
  const gate = { open: false };
  const feeds = points.map(
    (viewpoint, point) =>
      new Feed(viewpoint, (packet, _, quoted) => {
        if (gate.open) tracer.see(point, packet, quoted);
      }),
  );
  const files = plans.map((plan) => save?.(plan));
  const captures = plans.map((plan, point) =>
    startCapture(plan, (chunk) => {
      files[point]?.write(chunk);
      feeds[point]?.push(chunk);
    }),
  );
  const hosts = new Map(plans.map(({ host, target }) => [host, openHost(target)]));
  const drops = options.drops ? watchAllDrops(plans, io.warn) : undefined;
  try {
    io.progress(`starting ${captures.length} captures`);
    const [before] = await Promise.all([readAll(hosts), complainAbout(captures, io), drops]);
    gate.open = true;
    // What came while some captures had not begun would be missed there.
    for (const file of files) file?.restart();
    const from = Date.now() * 1000;
    const enough = options.probe ? AbortSignal.any([ended, await probe(options, c, services, hosts, io)]) : ended;
    await watch(tracer, options, io, enough);
    await settle(tracer);
    const [after, ends] = await Promise.all([readAll(hosts), Promise.all(captures.map((capture) => capture.stop()))]);
    const dropped = (await (await drops)?.stop()) ?? [];
    complainAboutEnds(plans, ends, tracer, io);
    const counters = [...after.flatMap((reading, n) => differ(before[n] ?? reading, reading)), ...dropped];
    const to = Date.now() * 1000;
    const finished = tracer.finish(to);
    for (const file of files) file?.close();
    if (options.write !== undefined)
      writeMerged(
        options.write,
        points.map((point, n) => ({ point, path: files[n]?.path ?? '' })),
        finished,
        io,
      );
    return observationOf(tracer, finished, countsOf(plans, ends, tracer), counters, { from, to });
  } finally {
    await Promise.all([...captures.map((capture) => capture.stop()), drops?.then((watch) => watch.stop())]);
    for (const file of files) file?.close();
  }
}

const readAll = (hosts: ReadonlyMap<string, Host>): Promise<CounterReading[]> =>
  Promise.all([...hosts].map(([name, host]) => readCounters(host, name)));

/** Sends requests of tpdoctor's own; what it returns is aborted when their answers have come or are overdue, as nothing more is to be seen then. */
async function probe(
  options: TraceOptions,
  c: Case,
  services: readonly TracedService[],
  hosts: ReadonlyMap<string, Host>,
  io: Io,
): Promise<AbortSignal> {
  const over = new AbortController();
  const walks = c.walks.filter(({ service }) => services.some(({ id }) => id === service.id));
  const here = options.hosts.find(({ target }) => target === 'local')?.name;
  const run = randomBytes(2).toString('hex');
  const { plans, left } = planProbe({ walks, snapshots: c.snapshots }, { run, ...(here === undefined ? {} : { here }) });
  for (const { what, why } of left) io.warn(`${what}: ${why}`);
  const senders = [...new Set(plans.map(({ host }) => host))];
  const sent = senders.map(async (name) => {
    const host = name === undefined ? openHost({ kind: 'local' }) : hosts.get(name);
    const own = plans.filter((plan) => plan.host === name);
    for (const { plan, why } of host ? await sendProbe(host, own) : []) if (why !== undefined) io.warn(`probe of ${plan.service}: ${why}`);
  });
  void Promise.all(sent).then(() => over.abort());
  return over.signal;
}

function plansOf(options: TraceOptions, c: Case, services: readonly TracedService[]): CapturePlan[] {
  const ids = new Set(services.map(({ id }) => id));
  const walks = c.walks.filter(({ service }) => ids.has(service.id));
  const wanted = {
    walks,
    flows: {
      ports: services.flatMap(({ protocol, port, upstreamPorts }) => [port, ...upstreamPorts].map((each) => ({ protocol, port: each }))),
      addresses: [
        ...new Set([...walks.flatMap(({ client, upstream }) => [client, upstream.address ?? []].flat()), ...proxyAddresses(c, walks)]),
      ],
    },
    snapLength,
  };
  const implied: NamedHost[] = [{ name: 'local', target: 'local' }];
  const hosts = options.hosts.length + options.files.length > 0 ? options.hosts : implied;
  return hosts.flatMap((named) => {
    const [snapshot, live] = [c.snapshots.get(named.name), liveTarget(named)];
    return snapshot && live ? plansFor(snapshot, live, wanted) : [];
  });
}

/** nginx's hosts': fragments go to and from them, and what is masqueraded bears them. */
function proxyAddresses(c: Case, walks: readonly Walk[]): string[] {
  return [...new Set(walks.map(({ service }) => service.host))].flatMap((host) => {
    const fact = c.snapshots.get(host)?.facts.addresses;
    return fact?.ok ? fact.value.filter(({ scope }) => scope === 'global').map(({ address }) => address) : [];
  });
}

function liveTarget({ target: text, ssh }: NamedHost): LiveTarget | undefined {
  const target = parseTarget(text, ssh);
  return 'error' in target || target.kind === 'file' ? undefined : target;
}

/** A point that cannot be captured at costs no other. */
async function complainAbout(captures: readonly RunningCapture[], io: Io): Promise<void> {
  for (const { plan, ready } of captures) {
    const outcome = await ready;
    if (!outcome.ok) io.warn(`${plan.host}: no capture on ${plan.iface}: ${outcome.why}`);
  }
}

function complainAboutEnds(plans: readonly CapturePlan[], ends: readonly CaptureEnd[], tracer: Tracer, io: Io): void {
  ends.forEach(({ why }, n) => {
    const [plan, seen] = [plans[n], tracer.packets[n] ?? 0];
    if (plan && why !== undefined && seen > 0) io.warn(`${plan.host}: the capture on ${plan.iface} ended early: ${why}`);
  });
}

async function watch(tracer: Tracer, { durationMs, count }: TraceOptions, io: Io, ended: AbortSignal): Promise<void> {
  const since = Date.now();
  const until = since + durationMs;
  while (Date.now() < until && !ended.aborted) {
    await setTimeout(Math.min(lookEveryMs, until - Date.now()), undefined, { signal: ended }).catch(() => undefined);
    const found = tracer.peek();
    const over = found.reduce((sum, { judgement, count: times }) => sum + (judgement.end === 'ambiguous' ? 0 : times), 0);
    const packets = tracer.packets.reduce((a, b) => a + b, 0);
    showProgress(found, { seconds: (Date.now() - since) / 1000, packets, points: tracer.packets.length }, io);
    if (count !== undefined && over >= count) return;
  }
}

/** Waits until nothing is under way any more, but not for ever: where traffic goes on there is always something. */
async function settle(tracer: Tracer): Promise<void> {
  const until = Date.now() + afterglowMs;
  do await setTimeout(settleEveryMs);
  while (Date.now() < until && tracer.peek(Date.now() * 1000).some(({ judgement }) => judgement.end === 'ambiguous'));
}

/** A device that does not tell direction is captured on twice, and is one point all the same. */
function countsOf(plans: readonly CapturePlan[], ends: readonly CaptureEnd[], tracer: Tracer): PointCount[] {
  const counts = new Map<string, PointCount>();
  plans.forEach(({ host, iface }, n) => {
    const { dropped, why } = ends[n] ?? {};
    const packets = tracer.packets[n] ?? 0;
    if (why !== undefined && packets === 0) return;
    const known = counts.get(`${host} ${iface}`) ?? { host, iface, packets: 0, dropped: 0 };
    // What a capture that ended by itself did not see may have passed all the same.
    const partial = why ?? (dropped === undefined ? 'it did not tell what it dropped' : known.partial);
    counts.set(`${host} ${iface}`, {
      ...known,
      packets: known.packets + packets,
      dropped: known.dropped + (dropped ?? 0),
      ...(partial === undefined ? {} : { partial }),
    });
  });
  return [...counts.values()];
}
