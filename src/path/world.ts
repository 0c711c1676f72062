import { sameAddress } from '../net/address.js';
import { contains } from '../net/prefix.js';
import type { FactName, Facts, Family, RouteAnswer, Routed, RouteQuestion, Snapshot } from '../types.js';
import { canonicalQuestion } from './questions.js';
import { decideRoute, type RoutingState } from './routing.js';

export type Snapshots = ReadonlyMap<string, Snapshot>;

/** A fact's value, or undefined when the host does not have it. */
export function factOf<N extends FactName>(snapshot: Snapshot | undefined, name: N): Facts[N] | undefined {
  const fact = snapshot?.facts[name];
  return fact?.ok ? fact.value : undefined;
}

/** Why a fact is missing, for the reader of an `unknown` step. */
export function whyMissing(snapshot: Snapshot | undefined, name: FactName): string {
  const fact = snapshot?.facts[name];
  return fact && !fact.ok ? fact.why : `${name} was not read`;
}

const routingFacts = ['policyRules', 'routes', 'addresses', 'links', 'sysctls'] as const;

/** The facts that a routing decision needs, or undefined when one is missing. */
export function routingState(snapshot: Snapshot | undefined): RoutingState | undefined {
  const [policyRules, routes, addresses, links, sysctls] = [
    factOf(snapshot, 'policyRules'),
    factOf(snapshot, 'routes'),
    factOf(snapshot, 'addresses'),
    factOf(snapshot, 'links'),
    factOf(snapshot, 'sysctls'),
  ];
  return policyRules && routes && addresses && links && sysctls ? { policyRules, routes, addresses, links, sysctls } : undefined;
}

/** Why a host's routing decision cannot be told. */
export function whyUnrouted(snapshot: Snapshot | undefined, { question }: Pick<Routed, 'question'>): string {
  const state = routingState(snapshot);
  if (!state) return whyMissing(snapshot, routingFacts.find((name) => factOf(snapshot, name) === undefined) ?? 'routes');
  const { result, possible } = decideRoute(state, question);
  if (result.found === 'unknown') return `policy rule ${result.rule.priority} asks for ${result.rule.other ?? 'more than is evaluated'}`;
  return `of several next hops the kernel takes one by a hash: ${possible.map(describeAnswer).join(', ')}`;
}

export function describeAnswer(answer: RouteAnswer): string {
  if (answer.type === 'error') return answer.text;
  if (answer.type === 'local') return answer.table === undefined ? 'local' : `local, table ${answer.table}`;
  if (answer.type === 'unicast') return `${answer.via === undefined ? '' : `via ${answer.via} `}dev ${answer.link}`;
  return answer.type;
}

export function route(snapshot: Snapshot | undefined, question: RouteQuestion): Routed {
  const key = canonicalQuestion(question);
  const recorded = factOf(snapshot, 'kernelRoutes')?.find((entry) => canonicalQuestion(entry.question) === key)?.answer;
  const state = routingState(snapshot);
  const model = () => state && decideRoute(state, question).answer;
  if (recorded === undefined) return { question, answer: model(), from: 'model' };
  return { question, answer: recorded.type === 'error' ? named(recorded, model()) : recorded, from: 'kernel' };
}

/** The kernel has one errno for a refused source and for a blackhole, and one for no route and for an unreachable one: the tables tell which. */
function named(error: RouteAnswer & { type: 'error' }, model: RouteAnswer | undefined): RouteAnswer {
  return model?.type === 'error' && model.error === 'refused'
    ? { ...error, error: 'refused', text: `${error.text} (${model.text})` }
    : error;
}

/** Whether an address is configured on a host. */
export function owns(snapshot: Snapshot | undefined, address: string): boolean {
  return factOf(snapshot, 'addresses')?.some((entry) => sameAddress(entry.address, address)) ?? false;
}

export function ownersOf(snapshots: Snapshots, address: string): string[] {
  return [...snapshots.values()].filter((snapshot) => owns(snapshot, address)).map((snapshot) => snapshot.host);
}

/** Where a frame arrives: a named host and the link it comes in on. */
export interface Arrival {
  host: string;
  link: string;
}

/**
 * The host that takes a frame sent from `host` on `link` to next hop `nextHop`.
 * The neighbour table tells floating and doubled addresses apart: it holds the MAC that the frame really goes to.
 */
export function arrivalAt(snapshots: Snapshots, host: string, link: string, nextHop: string): Arrival | undefined {
  const byMac = arrivalByMac(snapshots, host, link, nextHop);
  if (byMac) return byMac;
  for (const snapshot of snapshots.values()) {
    if (snapshot.host === host) continue;
    const owned = factOf(snapshot, 'addresses')?.find((entry) => sameAddress(entry.address, nextHop));
    if (owned) return { host: snapshot.host, link: facingLink(snapshots, host, link, snapshot.host, owned.link) ?? owned.link };
  }
  return undefined;
}

/** Several named hosts on the sender's segment have the next hop's address and no MAC tells them apart: the snapshots contradict each other. */
export function rivalsAt(snapshots: Snapshots, host: string, link: string, nextHop: string): string[] {
  if (arrivalByMac(snapshots, host, link, nextHop)) return [];
  const near = ownersOf(snapshots, nextHop).filter((name) => name !== host && facingLink(snapshots, host, link, name) !== undefined);
  return near.length > 1 ? near : [];
}

function arrivalByMac(snapshots: Snapshots, host: string, link: string, nextHop: string): Arrival | undefined {
  const neighbour = factOf(snapshots.get(host), 'neighbours')?.find((entry) => entry.link === link && sameAddress(entry.address, nextHop));
  if (!neighbour?.mac || neighbour.states.includes('FAILED')) return undefined;
  const candidates = [...snapshots.values()].flatMap((snapshot) =>
    (factOf(snapshot, 'links') ?? [])
      .filter((entry) => entry.mac?.toLowerCase() === neighbour.mac?.toLowerCase() && entry.kind !== 'bridge')
      .map((entry) => ({ host: snapshot.host, link: entry.name })),
  );
  const others = candidates.filter((entry) => entry.host !== host);
  return others.length === 1 ? others[0] : undefined;
}

/** The link of `to` that shares a connected prefix with `link` of `from`; where several do, `preferred` if it is one of them. */
export function facingLink(snapshots: Snapshots, from: string, link: string, to: string, preferred?: string): string | undefined {
  const near = (factOf(snapshots.get(from), 'addresses') ?? []).filter((entry) => entry.link === link && entry.scope !== 'link');
  const far = (factOf(snapshots.get(to), 'addresses') ?? []).filter((entry) => entry.scope !== 'link' && entry.scope !== 'host');
  const facing = far.filter((there) =>
    near.some(
      (here) =>
        here.family === there.family &&
        contains(`${here.address}/${here.prefixLength}`, there.address) &&
        contains(`${there.address}/${there.prefixLength}`, here.address),
    ),
  );
  return (facing.find((entry) => entry.link === preferred) ?? facing[0])?.link;
}

/** Prefixes that are directly connected to a link of a host. */
export function connectedPrefixes(snapshot: Snapshot | undefined, family: Family): { prefix: string; link: string }[] {
  return (factOf(snapshot, 'addresses') ?? [])
    .filter((entry) => entry.family === family && entry.scope !== 'host' && entry.scope !== 'link')
    .map((entry) => ({ prefix: `${entry.address}/${entry.prefixLength}`, link: entry.link }));
}
