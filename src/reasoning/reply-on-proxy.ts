import { assumeReply } from '../path/legs/reply.js';
import { decideRoute } from '../path/routing.js';
import { Trail } from '../path/trail.js';
import type { Facts, Packet, Scope, Snapshot, Step, Walk } from '../types.js';

/** What decides whether nginx's host takes a reply in. */
export const captureFacts = ['policyRules', 'routes', 'addresses', 'links', 'sysctls', 'iptablesLegacy', 'iptablesNft', 'nft'] as const;

export type CaptureFacts = Pick<Facts, (typeof captureFacts)[number]>;

/** How a reply of method 1 fares on nginx's own host. */
export interface Capture {
  walk: Walk;
  steps: readonly Step[];
  /** The routing decision or the source validation that preceded it; undefined when the reply did not get there. */
  decision: Step | undefined;
  /** Mark of the packet when it was routed. */
  mark: number;
  takenIn: boolean;
}

/**
 * Follows an upstream's reply on nginx's own host: as the walk predicted it where that got so far, else from this host's facts
 * alone, as if the reply did arrive. So a fault elsewhere hides nothing here. Undefined for DSR and for upstreams on this host.
 */
export function captureOf(facts: CaptureFacts, scope: Scope, walk: Walk): Capture | undefined {
  if (walk.service.mode !== 'transparent' || walk.service.host !== scope.host || isAtHome(walk)) return undefined;
  const predicted = walk.steps.filter((step) => step.leg === 'reply' && step.host === scope.host);
  const steps = predicted.length > 0 ? predicted : assumed(facts, scope.host, walk);
  if (steps.length === 0) return undefined;
  const decision = steps.find((step) => step.place === 'route' || step.place === 'source-validation');
  return { walk, steps, decision, mark: decision?.packet.mark ?? 0, takenIn: decision?.code === 'taken-in' };
}

/** The upstream is on nginx's own host: its replies do not come in from outside. */
function isAtHome({ steps }: Walk): boolean {
  return steps.some((step) => step.leg === 'forward' && step.code === 'routed' && step.route?.answer?.type === 'local');
}

function assumed(facts: CaptureFacts, host: string, walk: Walk): Step[] {
  const request = requestTo(walk);
  const toUpstream = request && decideRoute(facts, { to: request.destination, from: request.source }).answer;
  if (!request || toUpstream?.type !== 'unicast') return [];
  const trail = new Trail(new Map([[host, snapshotOf(host, facts)]]), host, request);
  trail.trackedBy.add(host);
  assumeReply(trail, { service: walk.service, vips: [], clientPort: 0, listenPort: 0, upstreamLink: toUpstream.link });
  return trail.steps;
}

/** nginx's packet to the upstream; any ephemeral source port will do. */
function requestTo({ service, client, upstream }: Walk): Packet | undefined {
  if (upstream.address === undefined || upstream.family === undefined) return undefined;
  const udp = service.protocol === 'udp';
  return {
    family: upstream.family,
    protocol: udp ? 17 : 6,
    source: client,
    destination: upstream.address,
    sourcePort: service.bind?.fixedPort ?? 40_001,
    destinationPort: upstream.port,
    mark: 0,
    ...(udp ? {} : { tcpFlags: 2 }),
  };
}

/** The facts of a check in the form in which the path is predicted. */
function snapshotOf(host: string, facts: CaptureFacts): Snapshot {
  const entries = captureFacts.map((name) => [name, { ok: true, value: facts[name] }] as const);
  return { format: 1, host, takenAt: '', facts: Object.fromEntries(entries) };
}
