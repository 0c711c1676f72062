import { combine } from '../../src/cures/combine.js';
import { defaultRouteVia } from '../../src/cures/default-route.js';
import { dropRoute } from '../../src/cures/routing.js';
import { lookup } from '../../src/path/fib.js';
import { routingState } from '../../src/path/world.js';
import { certaintyAboutClient } from '../../src/reasoning/assumed-client.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { wayToHost } from '../../src/reasoning/gateway.js';
import { linkSysctl, sourceVerdict } from '../../src/reasoning/source-validation.js';
import type { Case, Cure, Route, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'the upstream has no route to the client',
  why: "The upstream answers to the client's address, not to nginx's. Without any route to it the answer is never sent. With rp_filter on, loose or strict, already the request is dropped, because there is no way back to its source.",
  signs: {
    logs: '504 for this upstream: `upstream timed out (110: Connection timed out) while connecting to upstream`. On the upstream IpOutNoRoutes grows with each answer that it cannot send; with rp_filter on, loose or strict, TcpExtIPReversePathFilter grows instead, because the request is dropped already.',
    packets: 'The SYN reaches the upstream, over and over, and nothing comes out of it, not even ARP.',
  },
  proof:
    'On the upstream `ip route get` for the client fails. Clients in a directly connected subnet still work, which is why a ping from nginx proves nothing. Not this: a firewall or rp_filter that drops the SYN although there is a route.',
  cure: {
    how: [
      'On the upstream:',
      '  ip route get 192.168.99.50 from 172.16.0.14',
      '  ip route add default via 172.16.0.1',
      'A `blackhole` or `unreachable` route for the clients has to go:',
      '  ip route del blackhole 192.168.99.0/24',
    ].join('\n'),
    touches: ['route'],
  },
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

/** A route that refuses the client goes; else a default route by way of nginx comes, for each family that lacks one. */
function cures(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const refusing = new Map(
    broken.flatMap((item) => refusingRoute(snapshot, item) ?? []).map((route) => [`${route.family} ${route.table} ${route.to}`, route]),
  );
  const dropped = [...refusing.values()].map((route) => dropRoute(snapshot, route, 'this route refuses what is sent to the client'));
  const added = [...groupBy(broken, ({ step }) => String(step.packet.family)).values()].flatMap(([first]) => {
    const gateway = first && wayToHost(c, host, first.walk);
    return gateway ? (defaultRouteVia(snapshot, first.step.packet.family, gateway) ?? []) : [];
  });
  return [dropped, added].filter((parts) => parts.length > 0).map((parts) => combine(host, parts));
}

/** The blackhole, unreachable or prohibit route that the reply meets. */
function refusingRoute(snapshot: Snapshot, { walk, step }: Broken): Route | undefined {
  const state = routingState(snapshot);
  if (!state || walk.upstream.address === undefined) return undefined;
  const result = lookup(state, { family: step.packet.family, to: walk.client, from: walk.upstream.address, iif: 'lo', mark: 0 });
  return result.found === 'refusal' ? result.route : undefined;
}

export default rule;
