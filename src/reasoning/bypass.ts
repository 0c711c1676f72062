import { contains } from '../net/prefix.js';
import { connectedPrefixes, owns } from '../path/world.js';
import type { Case } from '../types.js';
import { type Broken, brokenBy } from './broken.js';
import { forwarded, loosened } from './source-validation.js';
import { unrewrittenReplies } from './unrewritten.js';

/** A reply that leaves its upstream towards somewhere other than nginx. */
export interface Bypassed extends Broken {
  how: 'connected' | 'gateway' | 'own-address';
  /** The connected prefix in which the client lies, or the next hop. */
  prefix: string;
  /** The host by which it should go: nginx's, or the router that rewrites DSR replies. */
  expected: string;
}

/**
 * Replies that do not come by nginx (method 1) or by the router that rewrites them (DSR), each blamed on the upstream that sends it, or
 * would send it if strict source validation let the request in: that is only what a wrong route looks like from the other side. So is a reply
 * that ends on another host because that one does not forward.
 */
export function bypassedReplies(c: Case): Bypassed[] {
  const origins = new Map(c.walks.map((walk) => [forwarded(c, loosened(c, walk)), walk]));
  const looser: Case = { ...c, walks: [...origins.keys()] };
  const direct = brokenBy(looser, 'bypassed').map((broken) => ({ broken, expected: broken.walk.service.host }));
  const unrewritten = unrewrittenReplies(looser).flatMap(({ kind, router, walk, step }) =>
    kind === 'bypasses-router' && router !== undefined ? [{ broken: { walk, step }, expected: router }] : [],
  );
  return [...direct, ...unrewritten].flatMap(({ broken, expected }) => {
    const blamed = blame(c, broken, expected);
    return blamed ? { ...blamed, walk: origins.get(broken.walk) ?? broken.walk } : [];
  });
}

function blame(c: Case, { walk, step }: Broken, expected: string): Bypassed | undefined {
  const sent = walk.steps.find((candidate) => candidate.leg === 'reply' && candidate.route !== undefined);
  if (!sent?.route) return undefined;
  const snapshot = c.snapshots.get(sent.host);
  const here = { walk, step: { ...step, host: sent.host, by: sent.by, route: sent.route }, expected };
  if (owns(snapshot, walk.client)) return { ...here, how: 'own-address', prefix: walk.client };
  const via = sent.route.answer?.type === 'unicast' ? sent.route.answer.via : undefined;
  if (via !== undefined) return { ...here, how: 'gateway', prefix: via };
  const prefix = connectedPrefixes(snapshot, sent.packet.family).find((entry) => contains(entry.prefix, walk.client))?.prefix;
  return prefix === undefined ? { ...here, how: 'gateway', prefix: 'a link without gateway' } : { ...here, how: 'connected', prefix };
}
