import { withPort } from '../net/address.js';
import { ownersOf, type Snapshots } from '../path/world.js';
import type { Case, NotExamined, Step, ToldHop, ToldStep, ToldWalk, Walk } from '../types.js';
import { routeGrounds } from './route-grounds.js';

/** A predicted walk as `tpdoctor path` tells it: host by host, with every line that decided a step. */
export function tellWalk(snapshots: Snapshots, walk: Walk): ToldWalk {
  const { service, upstream, end } = walk;
  const address = upstream.address ?? upstream.name;
  const owners = ownersOf(snapshots, address);
  const owner = owners.find((host) => walk.steps.some((step) => step.host === host)) ?? owners[0];
  return {
    service: service.id,
    protocol: service.protocol === 'udp' ? 'udp' : 'tcp',
    proxy: service.host,
    at: { file: service.at.file, line: service.at.line },
    upstream: withPort(address, upstream.port),
    ...(owner === undefined ? {} : { upstreamHost: owner }),
    end,
    hops: hopsOf(snapshots, walk.steps),
  };
}

function hopsOf(snapshots: Snapshots, steps: readonly Step[]): ToldHop[] {
  const hops: ToldHop[] = [];
  for (const step of steps) {
    const last = hops.at(-1);
    if (last?.host === step.host) last.steps.push(tellStep(snapshots, step));
    else hops.push({ host: step.host, ...(step.in === undefined ? {} : { in: step.in }), steps: [tellStep(snapshots, step)] });
  }
  return hops;
}

function tellStep(snapshots: Snapshots, { host, in: _, route, rule: __, by, ...rest }: Step): ToldStep {
  return { ...rest, by: [...by, ...(route ? routeGrounds(snapshots.get(host), route) : [])] };
}

/** Services and upstreams that answer there and have no walk. `open` when that leaves the question open. */
export function withoutWalk(c: Case): (NotExamined & { open: boolean })[] {
  return c.services.flatMap((service) => {
    const what = `${service.host}: ${service.id}`;
    if (service.mode === 'plain') {
      const why = "it does not bind to the client's address (proxy_bind), so upstreams answer to nginx like to anybody else";
      return [{ what, why, open: true }];
    }
    const walked = new Set(c.walks.filter((walk) => walk.service === service).map((walk) => walk.upstream));
    return service.upstreams
      .filter((upstream) => !walked.has(upstream))
      .map((upstream) => {
        const at = { what: `${what}: upstream ${upstream.name}`, open: !upstream.down };
        if (upstream.down) return { ...at, why: `it is marked down in ${upstream.at.file}:${upstream.at.line}` };
        if (upstream.address !== undefined) return { ...at, why: 'clients on other hosts cannot ask there' };
        return { ...at, why: `its name is not in /etc/hosts of ${service.host}, and tpdoctor asks no resolver` };
      });
  });
}
