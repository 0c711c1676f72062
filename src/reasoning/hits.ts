import { sysctlName } from '../cures/sysctl.js';
import { withPort } from '../net/address.js';
import type { Evidence, Hit, NginxMaster, Scope, Service, Step, Upstream, Walk } from '../types.js';
import { distinct, groupBy, list } from './broken.js';

/** What a check thinks of one part of a service, such as one upstream. */
export interface Opinion {
  status: Hit['status'];
  /** The upstream or client it is about; opinions that say the same of several become one sentence. */
  about?: string;
  message: string;
  evidence?: readonly Evidence[];
}

const worstFirst: readonly Hit['status'][] = ['fail', 'warn', 'unknown'];
const mostEvidence = 8;

/** The services of a host's own nginx that take the client's address to their upstreams, or mean to. */
export function ownServices(scope: Scope): Service[] {
  return scope.services.filter((service) => service.host === scope.host && service.mode !== 'plain');
}

/** One hit for each service and status that is not `pass`; `pass` only where there is nothing else. No opinion, no hit. */
export function hitsFor(services: readonly Service[], opinionsOf: (service: Service) => readonly Opinion[]): Hit[] {
  return services.flatMap((service) => summarize(opinionsOf(service)).map((hit) => ({ ...hit, service: service.id })));
}

/** The same for what concerns the host as a whole. */
export function summarize(opinions: readonly Opinion[]): Hit[] {
  const byStatus = groupBy(opinions, ({ status }) => status);
  const worse = worstFirst.filter((status) => byStatus.has(status));
  return (worse.length > 0 ? worse : byStatus.has('pass') ? (['pass'] as const) : []).map((status) =>
    merge(status, byStatus.get(status) ?? []),
  );
}

function merge(status: Hit['status'], opinions: readonly Opinion[]): Hit {
  const message = list([...groupBy(opinions, (opinion) => opinion.message).values()].map(sentence), 3);
  const evidence = uniqueEvidence(opinions.flatMap((opinion) => opinion.evidence ?? [])).slice(0, mostEvidence);
  return { status, message, ...(evidence.length > 0 ? { evidence } : {}) };
}

function sentence(opinions: readonly Opinion[]): string {
  const about = list(distinct(opinions.flatMap((opinion) => opinion.about ?? [])));
  const message = opinions[0]?.message ?? '';
  return about === '' ? message : `${about}: ${message}`;
}

function uniqueEvidence(evidence: readonly Evidence[]): Evidence[] {
  return [...new Map(evidence.map((entry) => [`${entry.host}\0${entry.what}\0${entry.source}`, entry])).values()];
}

/** Opinions on the walks of a service; a walk that never got to the matter gives none. */
export function opinionsOn(scope: Scope, service: Service, judge: (walk: Walk) => Opinion | undefined): Opinion[] {
  return scope.walks.filter((walk) => walk.service.id === service.id).flatMap((walk) => judge(walk) ?? []);
}

/**
 * The same for what depends on who the client is, such as a route back to it. Where nobody named or saw a client the path was judged for an
 * address of the documentation, which a setup for a few subnets rightly knows nothing of: no more than a warning then.
 */
export function opinionsByClient(scope: Scope, service: Service, judge: (walk: Walk) => Opinion | undefined): Opinion[] {
  return opinionsOn(scope, service, (walk) => {
    const opinion = judge(walk);
    if (!walk.clientAssumed || opinion?.status !== 'fail') return opinion;
    return {
      ...opinion,
      status: 'warn',
      message: `${opinion.message} (judged for ${walk.client}, as no client is known: name some with --client)`,
    };
  });
}

/** Steps of a walk on the check's own host. */
export function stepsHere(scope: Scope, walk: Walk, leg: Step['leg']): Step[] {
  return walk.steps.filter((step) => step.host === scope.host && step.leg === leg);
}

/** What decided a step, as evidence; nothing where the step names nothing. */
export function evidenceOf(step: Step): Evidence[] {
  return step.by.map(({ what, source }) => ({ host: step.host, what, source }));
}

/** A line of nginx's configuration as evidence. */
export function configEvidence(host: string, what: string, at: { file: string; line: number }): Evidence {
  return { host, what, source: `${at.file}:${at.line}` };
}

/** Entries below /proc/sys as evidence; what the host does not have reads 0. */
export function sysctlEvidence(host: string, sysctls: Readonly<Record<string, string>>, keys: readonly string[]): Evidence[] {
  return keys.map((key) => ({ host, what: `${sysctlName(key)} = ${sysctls[key] ?? '0'}`, source: `/proc/sys/${key}` }));
}

/** How an upstream is called in a sentence: as written, with its address where that says more. */
export function nameOf({ name, address, port }: Upstream): string {
  if (address === undefined) return name;
  const endpoint = withPort(address, port);
  return name === endpoint || name === address ? name : `${name} (${endpoint})`;
}

export function masterOf(service: Service, masters: readonly NginxMaster[]): NginxMaster | undefined {
  return masters.find((master) => master.pid === service.master);
}

/** Places that lie behind every firewall hook of a host. */
const beyondFirewall = new Set(['socket', 'wire', 'egress']);

/** Whether the firewall of this host lets a packet through, by the steps it took here; undefined where it ended before. */
export function firewallOpinion(steps: readonly Step[], about: string): Opinion | undefined {
  const dropped = steps.find((step) => step.code === 'firewall-dropped');
  if (dropped) return { status: 'fail', about, message: `${dropped.place} drops them`, evidence: evidenceOf(dropped) };
  const unclear = steps.find((step) => step.code === 'firewall-unknown');
  if (unclear)
    return { status: 'unknown', message: `whether ${unclear.place} lets them pass ${unclear.did}`, evidence: evidenceOf(unclear) };
  const last = steps.at(-1);
  if (!last || (last.outcome === 'broken' && !beyondFirewall.has(last.place))) return undefined;
  return { status: 'pass', message: 'no rule stands in the way' };
}

/** The walks of a service that lead to an upstream on the check's own host: the host that first answers, or that the request last came to. */
export function answeredHere(scope: Scope, walk: Walk): boolean {
  return walk.service.host !== scope.host && walk.upstream.address !== undefined && answeringHost(walk) === scope.host;
}

function answeringHost({ steps, service, upstream }: Walk): string | undefined {
  const end = steps.findLast((step) => step.leg === 'forward' && step.host !== service.host);
  return end?.packet.destination === upstream.address ? end?.host : undefined;
}

/** Services that other hosts proxy to this one. */
export function servedHere(scope: Scope): Service[] {
  return scope.services.filter((service) => scope.walks.some((walk) => walk.service === service && answeredHere(scope, walk)));
}
