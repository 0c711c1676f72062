import { combine } from '../../src/cures/combine.js';
import { dropRoute, putRoute } from '../../src/cures/routing.js';
import { contains } from '../../src/net/prefix.js';
import { connectedPrefixes } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { refusingRoute } from '../../src/reasoning/refusing-route.js';
import type { Case, Cure, Route, Rule } from '../../src/types.js';

const rule: Rule = {
  title: "nginx's host has no route to the upstream",
  why: 'Before anything can be said about transparency the request must leave: without a route to the upstream, or with one that refuses it (unreachable, blackhole, prohibit), connect() fails at once.',
  signs: {
    logs: 'http answers 502 at once: `connect() to 172.16.0.13:80 failed (101: Network is unreachable) while connecting to upstream`. For a route that refuses, the number tells its type: unreachable 113, prohibit 13, blackhole 22. Without a route IpOutNoRoutes grows.',
    packets: 'Nothing leaves for this upstream, not even ARP.',
  },
  proof:
    "`ip route get 172.16.0.13` on nginx's host fails with the same words. Not this: a 504, or an ARP request without an answer; then a route is there and the host behind it is silent (upstream/unreachable).",
  cure: {
    how: [
      'See what decides, then take the refusing route away or give the way:',
      '  ip route get 172.16.0.13',
      '  ip route del unreachable 172.16.0.13',
      '  ip route add 172.16.0.13/32 dev eth1',
    ].join('\n'),
    touches: ['route'],
  },
  run: (c) => {
    const routeless = brokenBy(c, 'no-route').filter(({ step, walk }) => step.leg === 'forward' && step.host === walk.service.host);
    return [...groupBy(routeless, ({ step }) => step.host)].map(([host, broken]) => {
      const upstreams = distinct(broken.flatMap(({ walk }) => walk.upstream.address ?? []));
      return concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `${host} has no route to ${list(upstreams)} (${serviceList(broken)})`,
        cures: cures(c, host, broken),
        verify: upstreams.map((address) => `ip ${address.includes(':') ? '-6 ' : ''}route get ${address}   # must name a link`),
      });
    });
  },
};

/** The route that refuses goes; where that leads nowhere, the link that is connected to the upstream's subnet takes its place. */
function cures(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const upstreams = [...groupBy(broken, ({ walk }) => walk.upstream.address ?? '')].flatMap(([address, [first]]) =>
    first ? [{ address, first }] : [],
  );
  const refusing = distinct(upstreams.flatMap(({ first }) => refusingRoute(snapshot, { ...first.step.packet, mark: 0 }) ?? []));
  const dropped = refusing.map((route) => dropRoute(snapshot, route, `this route refuses packets to ${route.to}`));
  const placed = upstreams.flatMap(({ address, first }) => {
    const { family } = first.step.packet;
    const link = connectedPrefixes(snapshot, family).find(({ prefix }) => contains(prefix, address))?.link;
    const route: Route = {
      family,
      type: 'unicast',
      to: `${address}/${family === 4 ? 32 : 128}`,
      table: 'main',
      nextHops: link === undefined ? [] : [{ link }],
      metric: family === 6 ? 1024 : 0,
    };
    return link === undefined ? [] : putRoute(snapshot, route, `${address} is in a subnet of ${link}`);
  });
  return [dropped, placed].flatMap((parts) => (parts.length > 0 ? [combine(host, parts)] : []));
}

export default rule;
