import { familyOf, sameAddress } from '../../net/address.js';
import type { NotExamined, Service, Snapshot, Walk } from '../../types.js';
import { payloadOf, placeOf, type Speech } from './payload.js';

/** Requests of one probe, all services together. */
export const mostRequests = 40;
/** Requests for each upstream: round robin begins anywhere, and every worker of nginx has its own. */
const rounds = 3;

/** Requests for one service from one host. */
export interface ProbePlan {
  /** Id of the service. */
  service: string;
  /** The client host that sends; absent where tpdoctor itself does. */
  host?: string;
  speaks: Speech;
  /** The client's address; absent where the host may choose. */
  source?: string;
  /** Where nginx listens. */
  destination: string;
  port: number;
  requests: readonly ProbeRequest[];
}

export interface ProbeRequest {
  /** Eight hexadecimal digits that stand in the payload; the first four are those of the run. */
  mark: string;
  payload: Uint8Array;
}

export interface ProbeOptions {
  /** Four hexadecimal digits by which this run's requests are told from another's. */
  run: string;
  /** The host that tpdoctor itself runs on, where it is among the named ones. */
  here?: string;
  /** Below which DNS questions are; `tpdoctor.invalid`, where any answer is one. */
  zone?: string;
}

/** What is planned from a case. */
export interface ProbeCase {
  walks: readonly Walk[];
  snapshots: ReadonlyMap<string, Snapshot>;
}

/** Who asks for one service: the walk says whom, as whom, and of how many upstreams. */
interface Asking {
  walk: Walk;
  host?: string;
  upstreams: number;
}

/**
 * Requests by which a quiet service shows its packets: for every service from every client host, once for each family, enough to meet every upstream.
 * Where no host is a client, tpdoctor asks from where it runs, unless nginx or an upstream runs there: such requests take another way.
 */
export function planProbe(c: ProbeCase, options: ProbeOptions): { plans: ProbePlan[]; left: NotExamined[] } {
  const left = new Map<string, NotExamined>();
  const leave = (service: Service, why: string) => left.set(service.id, { what: `probe of ${service.id}`, why });
  const asking = askers(c, options.here, leave).filter(({ walk: { service } }) => {
    if (service.protocol !== 'http' || placeOf(service.id) !== undefined) return true;
    leave(service, 'no request for its location can be made up: it is a regular expression, or has a name alone');
    return false;
  });
  const budget = Math.max(1, Math.floor(mostRequests / Math.max(asking.length, 1)));
  for (const { walk } of asking.slice(mostRequests)) leave(walk.service, `a probe has ${mostRequests} requests at most`);
  let count = 0;
  const plans = asking.slice(0, mostRequests).map((one) => {
    const plan = planOf(one, Math.min(budget, rounds * one.upstreams), { ...options, from: count });
    count += plan.requests.length;
    return plan;
  });
  return { plans, left: [...left.values()] };
}

/** One asker for each service, host and family. */
function askers({ walks, snapshots }: ProbeCase, here: string | undefined, leave: (service: Service, why: string) => void): Asking[] {
  const found = new Map<string, Asking>();
  const busy = new Set(walks.flatMap((walk) => [walk.service.host, ...ownersOf(snapshots, walk.upstream.address)]));
  const clientHosts = new Set(walks.flatMap((walk) => ownersOf(snapshots, walk.client)).filter((host) => !busy.has(host)));
  for (const walk of walks) {
    const host = ownersOf(snapshots, walk.client).find((owner) => clientHosts.has(owner));
    if (walk.vip === undefined) leave(walk.service, 'the address on which clients ask for it is not known');
    else if (clientHosts.size > 0 && host === undefined) continue;
    else if (host === undefined && here !== undefined && busy.has(here))
      leave(walk.service, `what ${here} itself asks takes another way than a client's requests: name a client host`);
    else {
      const key = JSON.stringify([walk.service.id, host, familyOf(walk.vip)]);
      const own = walks.filter(({ service, client }) => service === walk.service && client === walk.client);
      if (!found.has(key)) found.set(key, { walk, ...(host === undefined ? {} : { host }), upstreams: own.length });
    }
  }
  return [...found.values()];
}

function ownersOf(snapshots: ReadonlyMap<string, Snapshot>, address: string | undefined): string[] {
  return [...snapshots.values()]
    .filter(({ facts: { addresses } }) => addresses?.ok && addresses.value.some((own) => sameAddress(own.address, address)))
    .map(({ host }) => host);
}

function planOf(
  { walk, host }: Asking,
  size: number,
  { run, zone = 'tpdoctor.invalid', from }: ProbeOptions & { from: number },
): ProbePlan {
  const { service, client, vip = '' } = walk;
  const port = service.listeners.find(({ family }) => family === familyOf(vip))?.port ?? 0;
  const speaks = speechOf(service, port);
  const requests = Array.from({ length: size }, (_, i): ProbeRequest => {
    const mark = `${run}${(from + i).toString(16).padStart(4, '0')}`;
    return { mark, payload: payloadOf(speaks, mark, { vip, zone, service: service.id }) };
  });
  return { service: service.id, ...(host === undefined ? {} : { host, source: client }), speaks, destination: vip, port, requests };
}

/** A port tells what is spoken on it: 53, and what people make of it where that is taken. */
function speechOf({ protocol, upstreams }: Service, port: number): Speech {
  if (protocol !== 'udp') return protocol;
  return [port, ...upstreams.map((upstream) => upstream.port)].some((one) => one % 100 === 53 || one === 5300) ? 'dns' : 'udp';
}
