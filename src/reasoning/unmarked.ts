import { markReplies } from '../cures/mark-replies.js';
import type { Case, Cure, Packet } from '../types.js';
import { type Broken, groupBy } from './broken.js';
import { findNearMiss, type NearMiss } from './near-miss.js';
import { establishedMark, uncapturedReplies } from './reply-capture.js';
import { findTproxy, isTproxy, type TproxyRule } from './tproxy.js';

export interface Unmarked extends Broken {
  nearMiss?: NearMiss;
  /** A TPROXY rule that takes the client's request of this service, as if nginx's own listener were the problem. */
  tproxy?: TproxyRule;
}

/** Replies that no rule marks, by host; `nearMiss` is a rule that was meant to. */
export function unmarkedReplies(c: Case): Map<string, Unmarked[]> {
  const replies = uncapturedReplies(c).filter(({ missing }) => missing.part === 'mark');
  const judged = replies.map(({ walk, step }): Unmarked => {
    const nearMiss = findNearMiss(c, { walk, step });
    const tproxy = nearMiss && !isTproxy(nearMiss.rule) ? undefined : findTproxy(c, walk);
    if (tproxy) return { walk, step, tproxy };
    return { walk, step, ...(nearMiss ? { nearMiss } : {}) };
  });
  // A rule that fits one upstream of a service in part was meant for all of them.
  const meant = new Set(judged.filter(({ nearMiss }) => nearMiss).map(({ walk }) => walk.service.id));
  const example = (id: string) => judged.find(({ walk, nearMiss }) => nearMiss && walk.service.id === id)?.nearMiss;
  const completed = judged.map((reply) =>
    reply.nearMiss || reply.tproxy || !meant.has(reply.walk.service.id)
      ? reply
      : { ...reply, ...definedNearMiss(example(reply.walk.service.id)) },
  );
  return groupBy(completed, ({ step }) => step.host);
}

function definedNearMiss(nearMiss: NearMiss | undefined): Pick<Unmarked, 'nearMiss'> {
  return nearMiss ? { nearMiss } : {};
}

/** Ways to mark these replies on their host. */
export function marking(c: Case, host: string, unmarked: readonly Unmarked[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  const first = unmarked[0];
  if (!snapshot || !first) return [];
  const forwardsDsr = c.services.some((service) => service.mode.startsWith('dsr'));
  const mark = establishedMark(c, host, first.step.packet.family);
  return markReplies(
    snapshot,
    unmarked.flatMap((reply) => repliesLike(c, reply)),
    mark,
    { socketMatch: !forwardsDsr },
  );
}

/** An unmarked reply and those of its service's other upstreams, but for upstreams whose replies are marked: where something else breaks their path now, they need the mark later. */
function repliesLike(c: Case, { walk: { service, upstream }, step: { packet, host } }: Unmarked): Packet[] {
  const marked = c.walks.filter(
    (walk) => walk.service === service && walk.steps.some((step) => step.host === host && step.packet.mark !== 0),
  );
  const others = service.upstreams.filter(
    (other) => other.address !== upstream.address && other.family === upstream.family && !marked.some((walk) => walk.upstream === other),
  );
  return [
    packet,
    ...others.flatMap(({ address, port }) => (address === undefined ? [] : { ...packet, source: address, sourcePort: port })),
  ];
}
