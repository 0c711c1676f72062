import { combine, inTurn } from '../../src/cures/combine.js';
import { addPolicyRule, freePriority, freeTable, putRoute } from '../../src/cures/routing.js';
import { everything, network } from '../../src/net/prefix.js';
import { isOwnClient } from '../../src/path/own-client.js';
import { connectedPrefixes, factOf } from '../../src/path/world.js';
import { concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { type Bypassed, bypassedReplies } from '../../src/reasoning/bypass.js';
import { wayToHost } from '../../src/reasoning/gateway.js';
import type { Case, Cure, Family, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'the client lies in a subnet that the upstream is directly connected to',
  why: 'An upstream reaches a directly connected subnet without any gateway, so its replies to clients there never pass nginx. Those clients get answers from an address they did not ask and reset them; all others work.',
  signs: {
    logs: '504 for clients of that subnet only: `upstream timed out (110: Connection timed out) while connecting to upstream`. Others are served. On those clients TcpOutRsts grows (UdpNoPorts for UDP), or on nobody where the upstream looks for them on a wrong link.',
    packets:
      'At the upstream the SYN comes in from nginx and the SYN-ACK leaves straight for the client, often on another link. Where the prefix merely overlaps, ARP requests for the client stay without an answer.',
  },
  proof:
    "The client's address lies in a prefix that the upstream has on a link of its own, and its look-up has no `via`. Clients elsewhere prove nothing. Not this: a look-up with `via` another gateway (upstream/reply-bypasses-proxy).",
  cure: {
    how: [
      "On the upstream, a table of its own for what the service's address sends:",
      '  ip route add 172.16.0.0/24 dev eth0 table 100',
      '  ip route add default via 172.16.0.1 table 100',
      '  ip rule add from 172.16.0.13 lookup 100',
      'Or put clients and upstreams into different subnets.',
    ].join('\n'),
    touches: ['policy-rule', 'route'],
  },
  run: (c) => {
    const connected = bypassedReplies(c).filter(
      ({ how, walk }) => how === 'connected' && !isOwnClient(c.snapshots, walk.service, walk.client),
    );
    return [...groupBy(connected, ({ step }) => step.host)].map(([host, broken]) => {
      const clients = distinct(broken.map(({ walk }) => walk.client));
      return concludeFrom(broken, {
        host,
        summary: `${list(clients)} ${clients.length > 1 ? 'are' : 'is'} in a subnet directly connected to ${host}, which answers without going by nginx (${serviceList(broken)})`,
        evidence: distinct(broken.map((item) => item.prefix)).map((prefix) => ({
          host,
          what: `directly connected: ${prefix}`,
          source: 'ip address',
        })),
        cures: cures(c, host, broken),
        verify: distinct(
          broken.map(
            ({ walk }) =>
              `ip ${walk.client.includes(':') ? '-6 ' : ''}route get ${walk.client} from ${walk.upstream.address}   # must say "via" nginx`,
          ),
        ),
      });
    });
  },
};

/** A table of its own for packets from the upstream's address: the connected subnets it needs, and everything else by way of nginx. */
function cures(c: Case, host: string, broken: readonly Bypassed[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const ways = [...groupBy(broken, ({ step }) => step.packet.source)].flatMap(([source, [first]]) => {
    const gateway = first && wayToHost(c, host, first.walk);
    return gateway ? [(now: Snapshot) => ownTable(now, source, first.step.packet.family, gateway)] : [];
  });
  const bySource = inTurn(snapshot, ways);
  const toClients = hostRoutes(c, host, broken);
  return [...(bySource ? [bySource] : []), ...(toClients.length > 0 ? [combine(host, toClients)] : [])];
}

/** A table for what one address sends: by nginx's host, but to its own segment. */
function ownTable(snapshot: Snapshot, source: string, family: Family, gateway: { link: string; address: string }): Cure {
  const why = `what ${source} answers then goes by nginx, also to directly connected clients`;
  const table = freeTable(snapshot);
  const base = { family, type: 'unicast' as const, table, metric: family === 6 ? 1024 : 0 };
  const near = connectedPrefixes(snapshot, family).find(({ link }) => link === gateway.link)?.prefix;
  const toNear = near && { ...base, to: network(near) ?? near, nextHops: [{ link: gateway.link }] };
  const priority = freePriority(factOf(snapshot, 'policyRules') ?? [], family);
  return combine(snapshot.host, [
    ...(toNear ? [putRoute(snapshot, toNear, 'neighbours of this segment stay reachable directly')] : []),
    putRoute(snapshot, { ...base, to: everything(family), nextHops: [{ link: gateway.link, via: gateway.address }] }, why),
    addPolicyRule(snapshot, { family, priority, from: source, action: 'table', table }, why),
  ]);
}

/** Each client alone by way of nginx: leaves rules as they are, where others of them send some of the address's replies elsewhere. */
function hostRoutes(c: Case, host: string, broken: readonly Bypassed[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  const known = broken.filter(({ walk }) => !walk.clientAssumed);
  return [...groupBy(known, ({ walk }) => walk.client)].flatMap(([client, [first]]) => {
    const gateway = first && wayToHost(c, host, first.walk);
    if (!snapshot || !first || !gateway) return [];
    const family = first.step.packet.family;
    const nextHops = [{ link: gateway.link, via: gateway.address }];
    const route = {
      family,
      type: 'unicast' as const,
      to: network(client) ?? client,
      table: 'main',
      nextHops,
      metric: family === 6 ? 1024 : 0,
    };
    return [putRoute(snapshot, route, `replies to ${client} then go by nginx`)];
  });
}

export default rule;
