import { inTurn } from '../cures/combine.js';
import { type Rewrite, rewriteReplies } from '../cures/rewrite-replies.js';
import type { Case, Cure, Snapshot, Walk } from '../types.js';
import { type Broken, brokenBy, distinct, groupBy } from './broken.js';
import { rewritesOn } from './rewrites.js';

/** A DSR reply that reaches its client under the upstream's own address. */
export interface Unrewritten extends Broken {
  /** Where the rewrite belongs. */
  at: string;
  kind: 'nowhere' | 'misses-upstream' | 'bypasses-router';
  /** The host that rewrites the replies of the service's other upstreams. */
  router?: string;
}

/**
 * Judges every unrewritten reply. A missing rewrite belongs to the gateway on the replies' way, nginx's host or a router, when
 * the upstream's route to the client leads there, and to the upstream itself when it does not.
 */
export function unrewrittenReplies(c: Case): Unrewritten[] {
  return brokenBy(c, 'not-rewritten').map((broken) => {
    const { walk } = broken;
    const upstreamHost = walk.steps.find((step) => step.leg === 'reply')?.host ?? broken.step.host;
    const gateway = gatewayOf(walk);
    const siblings = c.walks.filter((other) => other.service.id === walk.service.id && other.upstream !== walk.upstream);
    const rewriters = distinct(siblings.flatMap((other) => rewriterOf(other)));
    if (rewriters.length === 0) {
      const other = usualGateway(siblings);
      // A gateway that rewrites is the right one, also where its replies come to nothing for another reason.
      const rewrites = other !== undefined && rewritesOn(c.snapshots.get(other)).length > 0;
      const usual = gateway === undefined || (rewrites && other !== gateway) ? other : undefined;
      return usual === undefined
        ? { ...broken, at: gateway ?? upstreamHost, kind: 'nowhere' as const }
        : { ...broken, at: upstreamHost, kind: 'bypasses-router' as const, router: usual };
    }
    const passed = new Set(walk.steps.filter((step) => step.leg === 'reply').map((step) => step.host));
    const routers = rewriters.filter((host) => !isOwnUpstream(siblings, host));
    const onTheWay = routers.find((host) => passed.has(host));
    if (onTheWay !== undefined) return { ...broken, at: onTheWay, kind: 'misses-upstream' as const };
    if (routers[0] !== undefined) return { ...broken, at: upstreamHost, kind: 'bypasses-router' as const, router: routers[0] };
    // The others rewrite their own. nginx's host would take its own address for forged, any other gateway lets it pass.
    if (gateway === walk.service.host) return { ...broken, at: gateway, kind: 'misses-upstream' as const };
    return { ...broken, at: upstreamHost, kind: 'nowhere' as const };
  });
}

/** The first host after the upstream's own that forwards the reply, or would have to. */
function gatewayOf({ steps }: Walk): string | undefined {
  const replies = steps.filter((step) => step.leg === 'reply');
  return replies.find((step) => (step.code === 'forwarded' || step.code === 'not-forwarded') && step.host !== replies[0]?.host)?.host;
}

/** The gateway by which at least half of a service's replies go, however they end. */
function usualGateway(walks: readonly Walk[]): string | undefined {
  const replying = walks.filter(({ steps }) => steps.some((step) => step.leg === 'reply'));
  return [...groupBy(replying, (walk) => gatewayOf(walk) ?? '')].find(
    ([host, group]) => host !== '' && group.length * 2 >= replying.length,
  )?.[0];
}

function rewriterOf(walk: Walk): string[] {
  return walk.steps.filter((step) => step.leg === 'reply' && step.code === 'rewritten').map((step) => step.host);
}

/** Whether a host rewrote as the origin of the reply, not as a router. */
function isOwnUpstream(walks: readonly Walk[], host: string): boolean {
  return walks.some((walk) => rewriterOf(walk).includes(host) && walk.steps.find((step) => step.leg === 'reply')?.host === host);
}

/** The rewrite on the host where it belongs, for every service and upstream that lacks it. */
export function rewriting(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const groups = [...groupBy(broken, ({ walk }) => `${walk.service.id} ${walk.vip}`).values()];
  const cure = inTurn(
    snapshot,
    groups.flatMap((group) => {
      const needed = rewriteOf(c, host, group);
      return needed ? [(now: Snapshot) => rewriteReplies(now, needed)[0]] : [];
    }),
  );
  return cure ? [cure] : [];
}

function rewriteOf(c: Case, host: string, group: readonly Broken[]): Rewrite | undefined {
  const first = group[0]?.walk;
  if (!first?.vip) return undefined;
  const leaving = first.steps.findLast((step) => step.leg === 'reply' && step.host === host);
  const where = first.steps.find((step) => step.leg === 'reply')?.host === host ? 'originated' : 'forwarded';
  return {
    sources: where === 'originated' ? distinct(group.flatMap(({ walk }) => walk.upstream.address ?? [])) : uncovered(c, first),
    port: first.upstream.port,
    vip: first.vip,
    where,
    link: leaving?.out,
  };
}

/** Upstreams of a walk's service whose replies nothing rewrites yet, with those whose path something else breaks now. */
function uncovered(c: Case, { service, upstream }: Walk): string[] {
  const done = c.walks.filter((walk) => walk.service.id === service.id && rewriterOf(walk).length > 0).map((walk) => walk.upstream.address);
  const alike = service.upstreams.filter((other) => other.family === upstream.family && other.port === upstream.port);
  return distinct(alike.flatMap(({ address }) => (address === undefined || done.includes(address) ? [] : address)));
}
