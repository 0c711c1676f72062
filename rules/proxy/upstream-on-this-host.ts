import { combine } from '../../src/cures/combine.js';
import { addPolicyRule, freePriority, localDefault, putRoute } from '../../src/cures/routing.js';
import { factOf } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { homeTable } from '../../src/reasoning/home-table.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: "the upstream is on nginx's own host, and its replies are not kept there",
  why: "Replies of an upstream on loopback or on an address of nginx's own host are made locally: they pass OUTPUT, never PREROUTING, so no mark rule of method 1 sees them, and the route to the client takes them out of the host. A policy rule for the upstream's own address and port with `iif lo` sends them to the local table.",
  signs: {
    logs: '504 for this upstream: `upstream timed out (110: Connection timed out) while connecting to upstream`. The others work. No counter points at it.',
    packets:
      "On `lo` the SYN from the client's address to the upstream, over and over, without an answer. On the outer link SYN-ACKs leave for the client from the upstream's own address and port (never from 127.0.0.1), and the client resets them.",
  },
  proof:
    "The upstream's address belongs to nginx's host, and the look-up below does not say `local`. Marks in PREROUTING cannot help, because these replies never pass there. Not this: an upstream in a namespace or container with an address of its own.",
  cure: {
    how: [
      'Keep what the service answers on the host; name its port, or ARP for that address suffers as well:',
      '  ip rule add from 172.16.0.1 ipproto tcp sport 8081 iif lo lookup 100',
      '  ip route add local 0.0.0.0/0 dev lo table 100',
      '  ip route get 192.168.99.50 from 172.16.0.1 ipproto tcp sport 8081',
    ].join('\n'),
    touches: ['policy-rule', 'route'],
  },
  run: (c) => {
    const escaping = brokenBy(c, 'upstream-on-this-host').filter(({ step }) => step.leg === 'reply');
    return [...groupBy(escaping, ({ step }) => step.host)].map(([host, broken]) => {
      const upstreams = distinct(broken.map(({ walk }) => walk.upstream.name));
      return concludeFrom(broken, {
        host,
        summary: `${list(upstreams)} ${upstreams.length > 1 ? 'are' : 'is'} on ${host} itself, whose replies leave for the client instead of reaching nginx (${serviceList(broken)})`,
        cures: cures(c.snapshots.get(host), broken),
        verify: distinct(
          broken.map(
            ({ step: { packet } }) =>
              `ip ${packet.family === 6 ? '-6 ' : ''}route get ${packet.destination} from ${packet.source} ipproto ${packet.protocol === 17 ? 'udp' : 'tcp'} sport ${packet.sourcePort}   # must say "local"`,
          ),
        ),
      });
    });
  },
};

/** The local table, made where there is none, for what the upstreams' addresses send. */
function cures(snapshot: Snapshot | undefined, broken: readonly Broken[]): Cure[] {
  if (!snapshot) return [];
  const why = "what this service answers is kept on this host, whoever it is addressed to: nginx's sockets take it";
  const key = ({ step: { packet } }: Broken) => `${packet.source} ${packet.protocol} ${packet.sourcePort}`;
  const sources = [...groupBy(broken, key).values()].flatMap(([first]) => (first ? [first.step.packet] : []));
  const families = distinct(sources.map(({ family }) => family));
  const routes = families.flatMap((family) => {
    const table = homeTable(snapshot, family);
    const present = factOf(snapshot, 'routes')?.some((route) => route.family === family && route.table === table && route.type === 'local');
    return present ? [] : putRoute(snapshot, localDefault(family, table), 'every address is then local for what is sent to this table');
  });
  const rules = sources.map(({ family, source, protocol, sourcePort = 0 }) => {
    const priority = freePriority(factOf(snapshot, 'policyRules') ?? [], family);
    // Without the port the rule would also answer the look-up of ways back to this address, and everything sent to it were martian, ARP included.
    const only = { from: source, iif: 'lo', ipProtocol: protocol, sourcePort: [sourcePort, sourcePort] as const };
    return addPolicyRule(snapshot, { family, priority, ...only, action: 'table', table: homeTable(snapshot, family) }, why);
  });
  return [combine(snapshot.host, [...routes, ...rules])];
}

export default rule;
