import { putRoute } from '../../src/cures/routing.js';
import { everything } from '../../src/net/prefix.js';
import { certaintyAboutClient } from '../../src/reasoning/assumed-client.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { wayToHost } from '../../src/reasoning/gateway.js';
import { linkSysctl, sourceVerdict } from '../../src/reasoning/source-validation.js';
import type { Case, Cure, Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the upstream has no route to the client',
  why: "The upstream answers to the client's address, not to nginx's. Without any route to it the answer is never sent. With rp_filter on, loose or strict, already the request is dropped, because there is no way back to its source.",
  run: (c) =>
    [...groupBy(routeless(c), ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `${host} has no route to ${list(distinct(broken.map(({ walk }) => walk.client)))}: it cannot answer (${serviceList(broken)})`,
        ...certaintyAboutClient(c, host, broken),
        cures: cures(c, host, broken),
        verify: distinct(
          broken.map(({ walk }) => `ip ${walk.client.includes(':') ? '-6 ' : ''}route get ${walk.client} from ${walk.upstream.address}`),
        ),
      }),
    ),
};

/** No way to answer, seen on the way out or already by source validation on the way in. */
function routeless(c: Case): Broken[] {
  const silent = brokenBy(c, 'no-route').filter(({ step }) => step.leg === 'reply');
  const refused = brokenBy(c, 'source-invalid').filter(({ step }) => {
    if (step.leg !== 'forward' || step.in === undefined) return false;
    const off = { [linkSysctl('all', 'rp_filter')]: '2', [linkSysctl(step.in, 'rp_filter')]: '2' };
    const verdict = sourceVerdict(c, step, off);
    return verdict?.valid === false && verdict.reason === 'loose';
  });
  return [...silent, ...refused];
}

/** A default route by way of nginx, for each family that lacks one. */
function cures(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  const first = [...groupBy(broken, ({ walk }) => String(walk.client.includes(':')))].map(([, group]) => group[0]);
  const routes = first.flatMap((candidate) => {
    const gateway = candidate && wayToHost(c, host, candidate.walk);
    if (!snapshot || !candidate || !gateway) return [];
    const family = candidate.step.packet.family;
    const route = {
      family,
      type: 'unicast' as const,
      to: everything(family),
      table: 'main',
      nextHops: [{ link: gateway.link, via: gateway.address }],
      metric: family === 6 ? 1024 : 0,
    };
    return putRoute(snapshot, route, "replies to clients have to go by nginx's host");
  });
  return routes.length > 0 && snapshot
    ? [
        {
          host,
          steps: routes.flatMap((cure) => cure.steps),
          apply: (before) => routes.reduce((current, cure) => cure.apply(current), before),
        },
      ]
    : [];
}

export default rule;
