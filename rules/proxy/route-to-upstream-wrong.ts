import { combine } from '../../src/cures/combine.js';
import { dropRoute, putRoute } from '../../src/cures/routing.js';
import { contains, network } from '../../src/net/prefix.js';
import { lookup } from '../../src/path/fib.js';
import { connectedPrefixes, routingState } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { outputMark, unmarking } from '../../src/reasoning/output-mark.js';
import { refusingRoute } from '../../src/reasoning/refusing-route.js';
import type { Case, Conclusion, Cure, Route, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: "nginx's host has no route to the upstream, or one that leads elsewhere",
  why: 'Before anything can be said about transparency the request must leave: without a route to the upstream, or with one that refuses it (unreachable, blackhole, prohibit), connect() fails at once. A route to the wrong link, or by a gateway that nobody is, wins over that of the connected subnet where its prefix is longer, and then nobody answers.',
  signs: {
    logs: 'http answers 502 at once: `connect() to 172.16.0.13:80 failed (101: Network is unreachable) while connecting to upstream`. For a route that refuses, the number tells its type: unreachable 113, prohibit 13, blackhole 22. Without a route IpOutNoRoutes grows. Where the route leads elsewhere: 504, `upstream timed out (110: Connection timed out) while connecting to upstream`.',
    packets:
      'Nothing leaves for this upstream, not even ARP. Where the route leads elsewhere: ARP requests for it, or for the gateway, on that link, and no answer.',
  },
  proof:
    "`ip route get 172.16.0.13` on nginx's host fails with the same words, or names another link than the one whose subnet the upstream is in, where nobody answers to ARP. Not this: ARP requests without an answer on the right link; then the host is silent (upstream/unreachable). Nor a detour by a router that does forward.",
  cure: {
    how: [
      'See what decides, then take the refusing route away or give the way:',
      '  ip route get 172.16.0.13',
      '  ip route del unreachable 172.16.0.13',
      '  ip route add 172.16.0.13/32 dev eth1',
      'A route that leads elsewhere goes, and that of the subnet is in force again:',
      '  ip route del 172.16.0.12/32 dev eth0',
    ].join('\n'),
    touches: ['route'],
  },
  run: (c) => [...withoutRoute(c), ...ledAstray(c)],
};

function withoutRoute(c: Case): Conclusion[] {
  const routeless = brokenBy(c, 'no-route').filter(({ step, walk }) => step.leg === 'forward' && step.host === walk.service.host);
  return [...groupBy(routeless, ({ step }) => step.host)].map(([host, broken]) => {
    const upstreams = distinct(broken.flatMap(({ walk }) => walk.upstream.address ?? []));
    return concludeFrom(broken, {
      host,
      certainty: 'proven',
      summary: `${host} ${broken.some(({ walk }) => outputMark(walk)) ? 'marks its own packets, and with the mark has' : 'has'} no route to ${list(upstreams)} (${serviceList(broken)})`,
      cures: cures(c, host, broken),
      verify: upstreams.map((address) => `ip ${address.includes(':') ? '-6 ' : ''}route get ${address}   # must name a link`),
    });
  });
}

/** The route is there, and where it leads nobody answers. */
function ledAstray(c: Case): Conclusion[] {
  return [...groupBy(brokenBy(c, 'astray'), ({ step }) => step.host)].map(([host, broken]) => {
    const upstreams = distinct(broken.flatMap(({ walk }) => walk.upstream.address ?? []));
    return concludeFrom(broken, {
      host,
      certainty: broken.every(({ step }) => step.by.some(({ source }) => source.startsWith('ip neighbour'))) ? 'proven' : 'consistent',
      summary: `the route of ${host} to ${list(upstreams)} leads to where it is not (${serviceList(broken)})`,
      cures: straightenings(c, host, broken),
      verify: upstreams.map((address) => `ping -c 1 ${address}`),
      settle: 'an ARP request without an answer in a capture on that link',
    });
  });
}

/** The routes for parts of the upstreams' subnets go; where they are part of more, each upstream gets a route of its own. */
function straightenings(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  const state = routingState(snapshot);
  if (!snapshot || !state) return [];
  const wrong = broken.flatMap(({ step: { packet, out } }) => {
    const { family, source: from, destination: to } = packet;
    const found = lookup(state, { family, to, from, iif: 'lo', mark: 0 });
    const near = connectedPrefixes(snapshot, family).find(({ prefix, link }) => contains(prefix, to) && link !== out);
    return found.found === 'route' ? [{ route: found.route, to, near }] : [];
  });
  const own = (route: Route) => connectedPrefixes(snapshot, route.family).some(({ prefix }) => network(prefix) === route.to);
  const detours = distinct(wrong.flatMap(({ route, near }) => (!own(route) && (!near || contains(near.prefix, route.to)) ? route : [])));
  const dropped = detours.map((route) => dropRoute(snapshot, route, `${route.to} is not there`));
  const targets = new Map(wrong.map((one) => [one.to, one]));
  const placed = [...targets.values()].flatMap(({ route, to, near }) => (near ? placing(snapshot, to, near.link, route.table) : []));
  return [dropped, placed].flatMap((parts) => (parts.length > 0 ? [combine(host, parts)] : []));
}

function placing(snapshot: Snapshot, address: string, link: string, table: string): Cure {
  const family = address.includes(':') ? 6 : 4;
  const to = `${address}/${family === 4 ? 32 : 128}`;
  const route: Route = { family, type: 'unicast', to, table, nextHops: [{ link }], metric: family === 6 ? 1024 : 0 };
  return putRoute(snapshot, route, `${address} is in a subnet of ${link}`);
}

/** The route that refuses goes; where that leads nowhere, the link that is connected to the upstream's subnet takes its place. */
function cures(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const upstreams = [...groupBy(broken, ({ walk }) => walk.upstream.address ?? '')].flatMap(([address, [first]]) =>
    first ? [{ address, first }] : [],
  );
  const marking = distinct(broken.flatMap(({ walk }) => outputMark(walk) ?? []));
  if (marking.length > 0)
    return [
      combine(
        host,
        marking.flatMap((rule) => unmarking(snapshot, rule) ?? []),
      ),
    ];
  const refusing = distinct(upstreams.flatMap(({ first }) => refusingRoute(snapshot, { ...first.step.packet, mark: 0 }) ?? []));
  const dropped = refusing.map((route) => dropRoute(snapshot, route, `this route refuses packets to ${route.to}`));
  const placed = upstreams.flatMap(({ address, first }) => {
    const near = connectedPrefixes(snapshot, first.step.packet.family).find(({ prefix }) => contains(prefix, address));
    return near ? placing(snapshot, address, near.link, 'main') : [];
  });
  return [dropped, placed].flatMap((parts) => (parts.length > 0 ? [combine(host, parts)] : []));
}

export default rule;
