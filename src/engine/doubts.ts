import { configProblems } from '../nginx/of-snapshot.js';
import { factOf, whyMissing } from '../path/world.js';
import { groupBy, list } from '../reasoning/broken.js';
import type { Case, ErrorLogLine, NotExamined, Snapshot, Walk } from '../types.js';
import { concerns, linesSinceStart } from './log-evidence.js';

/** How long ago, in seconds, a timeout in the log still speaks about the present. */
const freshSeconds = 60;

/** What keeps a case without a fault from being healthy: things that could hide a fault on a service's path. */
export function findDoubts(c: Case, unexplained: readonly Walk[]): NotExamined[] {
  return [
    ...unknownSteps(c),
    ...deadWorkers(c, unexplained),
    ...unexplained
      .filter(({ steps }) => steps.at(-1)?.code !== 'worker-dead')
      .map(unexplainedBreak)
      .filter(isFirst),
    ...freshTimeouts(c),
    ...unplacedHosts(c),
    ...[...c.snapshots.values()].flatMap((snapshot) => [...unreadConfig(snapshot), ...unknownNginx(snapshot)]),
    ...unresolvedNames(c),
  ];
}

function isFirst(entry: NotExamined, index: number, all: readonly NotExamined[]): boolean {
  return all.findIndex((other) => other.what === entry.what && other.why === entry.why) === index;
}

function unknownSteps(c: Case): NotExamined[] {
  const unknown = c.walks
    .filter((walk) => walk.end === 'unknown')
    .flatMap((walk) => walk.steps.filter((step) => step.outcome === 'unknown').map((step) => ({ walk, step })));
  return [...groupBy(unknown, ({ step }) => `${step.host}\0${step.did}`).values()].flatMap((group) => {
    const first = group[0];
    if (!first) return [];
    const services = [...new Set(group.map(({ walk }) => walk.service.id))];
    return {
      what: `${first.step.host}: the path of ${list(services)}, in ${list([...new Set(group.map(({ step }) => step.place))])}`,
      why: first.step.did,
    };
  });
}

/** A master without workers whose capabilities are right: what made them exit is known to the error log alone. */
function deadWorkers(c: Case, unexplained: readonly Walk[]): NotExamined[] {
  const dead = unexplained.filter(({ steps }) => steps.at(-1)?.code === 'worker-dead');
  return [...groupBy(dead, ({ service }) => `${service.host}\0${service.master}`).values()].flatMap((walks) => {
    const service = walks[0]?.service;
    if (!service) return [];
    const { host, master } = service;
    const lines = linesSinceStart(c, host).filter((line) => line.master === master && deathKinds.has(line.kind));
    const said = [...groupBy(lines, ({ kind }) => kind).values()].flatMap((group) => group.at(-1)?.text ?? []);
    return {
      what: `${host}: why master ${master} has no worker left, so that nobody serves ${list([...new Set(walks.map((walk) => walk.service.id))])}`,
      why:
        said.length > 0
          ? `no known cause explains it; nginx logged: ${said.join('; ')}`
          : 'no known cause explains it, and its error log says nothing',
      settle: 'mend what the log names (the user of nginx.conf, capabilities of the unit or container, a module) and start nginx again',
    };
  });
}

const deathKinds: ReadonlySet<ErrorLogLine['kind']> = new Set(['worker-user', 'capset', 'worker-died']);

function unexplainedBreak(walk: Walk): NotExamined {
  const step = walk.steps.at(-1);
  return {
    what: `${step?.host ?? walk.service.host}: the path of ${walk.service.id} ends here`,
    why: `${step?.did ?? 'it cannot be followed'}; no known cause explains it`,
    settle: step?.by.map((by) => `${by.source}: ${by.what}`).join('; ') ?? '',
  };
}

/** A prediction that is whole while nginx still times out: something lies between the hosts, or outside what facts show. */
function freshTimeouts(c: Case): NotExamined[] {
  const whole = c.walks.filter((walk) => walk.end === 'whole');
  const broken = c.walks.filter((walk) => walk.end === 'broken');
  const hosts = [...groupBy(whole, (walk) => walk.service.host)];
  return hosts.flatMap(([host, walks]) => {
    const lines = linesSinceStart(c, host).filter(
      (line) => line.kind === 'upstream-timeout' && isFresh(c.snapshots.get(host), line) && !broken.some((walk) => concerns(line, walk)),
    );
    const timedOut = walks.filter((walk) => lines.some((line) => line.upstream !== undefined && concerns(line, walk)));
    if (timedOut.length === 0) return [];
    const services = [...new Set(timedOut.map((walk) => walk.service.id))];
    return {
      what: `${host}: upstreams of ${list(services)} time out although every predicted path is whole`,
      why: 'packets alone can tell where they are lost',
      settle: `tpdoctor trace --port ${timedOut[0]?.service.listeners[0]?.port ?? 80} with the same hosts`,
    };
  });
}

/** Recent, and nothing has succeeded since. */
function isFresh(snapshot: Snapshot | undefined, line: ErrorLogLine): boolean {
  const now = factOf(snapshot, 'clock')?.epochSeconds;
  if (now === undefined || now - line.at > freshSeconds) return false;
  return !(factOf(snapshot, 'nginxClients') ?? []).some(
    (client) => client.at !== undefined && client.at > line.at && client.status !== undefined && client.status < 400,
  );
}

/** Where a path leaves the named hosts, one whose addresses are not known may be the one that it leads to. */
function unplacedHosts(c: Case): NotExamined[] {
  if (!c.walks.some((walk) => walk.steps.some(({ outcome }) => outcome === 'unseen'))) return [];
  return [...c.snapshots.values()]
    .filter(({ facts }) => facts.addresses?.ok !== true)
    .map((snapshot) => ({
      what: `${snapshot.host}: which part of the paths it is`,
      why: whyMissing(snapshot, 'addresses'),
      settle: 'what "ip -j address" prints there (an iproute2 that knows -j: since 2018)',
    }));
}

function unreadConfig(snapshot: Snapshot): NotExamined[] {
  const problems = configProblems(snapshot);
  return problems.slice(0, 5).map(({ at, message }) => ({
    what: `${snapshot.host}: ${at.file}:${at.line}`,
    why: message,
    settle: 'the file as root, or mend the line',
  }));
}

function unknownNginx(snapshot: Snapshot): NotExamined[] {
  const { nginx, nginxConfig } = snapshot.facts;
  if (!nginx?.ok) return [{ what: `${snapshot.host}: nginx`, why: whyMissing(snapshot, 'nginx') }];
  if (nginx.value.masters.length > 0 && !nginxConfig?.ok)
    return [{ what: `${snapshot.host}: nginx's configuration`, why: whyMissing(snapshot, 'nginxConfig') }];
  return [];
}

function unresolvedNames(c: Case): NotExamined[] {
  const unresolved = c.services
    .filter((service) => service.mode !== 'plain')
    .flatMap((service) =>
      service.upstreams.filter((upstream) => upstream.address === undefined).map((upstream) => ({ service, upstream })),
    );
  return unresolved.map(({ service, upstream }) => ({
    what: `${service.host}: upstream ${upstream.name} of ${service.id}`,
    why: `its name is not in /etc/hosts of ${service.host}, and tpdoctor asks no resolver`,
    settle: `an address in ${upstream.at.file}:${upstream.at.line}`,
  }));
}
