import { combine } from '../../src/cures/combine.js';
import { putRoute } from '../../src/cures/routing.js';
import { longestMatch, lookup } from '../../src/path/fib.js';
import { factOf } from '../../src/path/world.js';
import { certaintyAboutClient } from '../../src/reasoning/assumed-client.js';
import { concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { type Bypassed, bypassedReplies } from '../../src/reasoning/bypass.js';
import { wayToHost } from '../../src/reasoning/gateway.js';
import type { Case, Cure, Route, Rule } from '../../src/types.js';

const rule: Rule = {
  title: "the upstream's route to the client does not lead to this nginx",
  why: "The upstream answers to the client's address. Only if its route there leads by the nginx that asked can nginx take the reply in. Over another gateway the reply reaches the client directly, which knows nothing of the connection and resets it.",
  signs: {
    logs: "504 for this upstream: `upstream timed out (110: Connection timed out) while connecting to upstream`, for UDP `… while proxying connection`. On the client TcpOutRsts grows, UdpNoPorts for UDP; on the upstream TcpAttemptFails where the client's RST gets back to it, else TcpExtTCPSynRetrans.",
    packets:
      "At the upstream the SYN comes in and the SYN-ACK goes out, but on nginx's inner link the SYN-ACK never appears. The client gets one from 172.16.0.12, which it never asked, and resets it.",
  },
  proof:
    "On the upstream the look-up of the client from its own address names another gateway than nginx. Not this: another default route that clients' answers do not take, and a router that passes the answers to this nginx after all. With a pair of nginx hosts the gateway's address may sit on the other one.",
  cure: {
    how: [
      "On the upstream; nginx's inner address is the gateway, for everything or only for what the service sends:",
      '  ip route get 192.168.99.50 from 172.16.0.12',
      '  ip route replace default via 172.16.0.1',
      '  ip rule add from 172.16.0.12 lookup 100 && ip route add default via 172.16.0.1 table 100',
    ].join('\n'),
    touches: ['route', 'policy-rule'],
  },
  run: (c) => {
    const replies = bypassedReplies(c).filter((broken) => broken.how === 'gateway');
    return [...groupBy(replies, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `${host} answers clients by way of ${distinct(broken.map((item) => item.prefix)).join(', ')}, not by way of ${distinct(broken.map((item) => item.expected)).join(', ')} (${serviceList(broken)})`,
        ...certaintyAboutClient(c, host, broken),
        cures: cures(c, host, broken),
        verify: distinct(
          broken.map(
            ({ walk }) =>
              `ip ${walk.client.includes(':') ? '-6 ' : ''}route get ${walk.client} from ${walk.upstream.address}   # must say "via" an address of ${broken[0]?.expected ?? ''}`,
          ),
        ),
      }),
    );
  },
};

/** The very route that decides gets nginx as its next hop. */
function cures(c: Case, host: string, broken: readonly Bypassed[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const changed = new Map<string, Cure>();
  for (const item of broken) {
    const gateway = wayToHost(c, host, item.walk, item.expected);
    const deciding = decidingRoute(c, host, item);
    if (!gateway || !deciding) continue;
    const route: Route = { ...slotOf(deciding), nextHops: [{ link: gateway.link, via: gateway.address }] };
    changed.set(
      `${route.family} ${route.table} ${route.to}`,
      putRoute(snapshot, route, `replies to clients have to go by ${item.expected}`),
    );
  }
  return changed.size > 0 ? [combine(host, [...changed.values()])] : [];
}

/** What another way for the same packets keeps of a route. */
function slotOf({ scope: _scope, source: _source, attributes: _attributes, ...slot }: Route): Omit<Route, 'nextHops'> {
  return slot;
}

function decidingRoute(c: Case, host: string, { walk, step }: Bypassed): Route | undefined {
  const snapshot = c.snapshots.get(host);
  const [policyRules, routes] = [factOf(snapshot, 'policyRules'), factOf(snapshot, 'routes')];
  if (!policyRules || !routes || walk.upstream.address === undefined) return undefined;
  const { family } = step.packet;
  const result = lookup({ policyRules, routes }, { family, to: walk.client, from: walk.upstream.address, iif: 'lo', mark: 0 });
  return result.found === 'route' ? result.route : longestMatch(routes, 'main', { family, to: walk.client });
}

export default rule;
