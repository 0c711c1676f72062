import { facingLink, factOf } from '../path/world.js';
import type { Case, Walk } from '../types.js';

/** How an upstream reaches another host (nginx's own unless said) directly: the link, and that host's address on it. Undefined when they share no segment. */
export function wayToHost(
  c: Case,
  upstreamHost: string,
  walk: Walk,
  target = walk.service.host,
): { link: string; address: string } | undefined {
  const family = walk.upstream.family ?? (walk.upstream.address?.includes(':') ? 6 : 4);
  const links = factOf(c.snapshots.get(upstreamHost), 'links') ?? [];
  // The link on which the request came in is the one that faces nginx.
  const arrived = walk.steps.findLast((step) => step.host === upstreamHost && step.leg === 'forward')?.in;
  const left = walk.steps.find((step) => step.host === target && step.leg === 'forward' && step.code === 'routed')?.out;
  const ordered = [...links].sort((a, b) => Number(b.name === arrived) - Number(a.name === arrived));
  for (const { name } of ordered) {
    const facing = facingLink(c.snapshots, upstreamHost, name, target, left);
    const address = factOf(c.snapshots.get(target), 'addresses')?.find(
      (entry) => entry.link === facing && entry.family === family && entry.scope !== 'link',
    );
    if (facing !== undefined && address) return { link: name, address: address.address };
  }
  return undefined;
}
