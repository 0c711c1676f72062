import { combine } from '../../src/cures/combine.js';
import { withPort } from '../../src/net/address.js';
import { findListener } from '../../src/path/listening.js';
import { factOf, ownersOf } from '../../src/path/world.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { rewritingAll } from '../../src/reasoning/misfit.js';
import { changeServers } from '../../src/reasoning/servers.js';
import type { Case, Cure, Packet, Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'a DSR service listens on another port than its upstreams',
  why: 'The client takes an answer only from the address and port that it asked. `tc … action nat` and a rewrite of the address leave the port as it is, so with Direct Server Return the upstreams must serve the port on which nginx listens, or the rewrite must set the port as well.',
  signs: {
    logs: 'nginx logs nothing, and status 200. On the client UdpNoPorts grows, on the host that owns 192.168.99.10 IcmpInDestUnreachs.',
    packets:
      'The client asks 192.168.99.10 on port 53 and gets the answer from `192.168.99.10:5353`: right address, wrong port. It returns ICMP port unreachable.',
  },
  proof:
    'Listening port and upstream port differ in a service whose answers go straight to the client, and nothing on their way sets the port. With method 1 different ports are fine, because nginx answers itself.',
  cure: {
    how: [
      'Let the upstreams serve the port on which nginx listens, name it in the `server` lines (`server 172.16.0.11:53;`), and',
      '  nginx -s reload',
      'Or let an nft rule set the port too: `udp sport 5353 udp sport set 53` beside `ip saddr set 192.168.99.10`.',
    ].join('\n'),
    touches: ['nginx', 'server'],
  },
  run: (c) => {
    const differing = brokenBy(c, 'wrongly-rewritten').filter(
      ({ walk, step }) =>
        step.packet.sourcePort === walk.upstream.port && walk.upstream.port !== listenPort({ walk }) && step.packet.source === walk.vip,
    );
    return [...groupBy(differing, ({ walk }) => walk.service.host)].map(([host, broken]) => {
      const ports = distinct(broken.map(({ walk }) => `${listenPort({ walk })} and ${walk.upstream.port}`));
      return concludeFrom(broken, {
        host,
        summary: `nginx on ${host} and the upstreams use different ports (${list(ports)}), and the answers bear the upstreams' (${serviceList(broken)})`,
        evidence: broken.slice(0, 1).map(({ walk: { upstream } }) => ({
          host,
          what: `server ${upstream.name}`,
          source: `${upstream.at.file}:${upstream.at.line}`,
        })),
        cures: cures(c, host, broken),
        verify: [
          `from the client: dig @${broken[0]?.walk.vip} -p ${broken[0] ? listenPort(broken[0]) : 53} . NS   # or this service's own client`,
        ],
      });
    });
  },
};

function listenPort({ walk }: Pick<Broken, 'walk'>): number | undefined {
  return walk.service.listeners.find((listener) => (listener.family === 6) === walk.client.includes(':'))?.port;
}

/** Where the upstreams serve the listening port as well nginx asks them there, and a rewrite on its own host that names the old port gets one for the new. */
function cures(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot || !broken.every((item) => servesToo(c, item))) return [];
  const moved = changeServers(
    c,
    broken,
    (item) => {
      const { address = '', port } = item.walk.upstream;
      return [withPort(address, port), withPort(address, listenPort(item) ?? port)];
    },
    'answers then bear the port that the client asked',
  );
  if (!moved) return [];
  const rewrites = [...groupBy(broken, ({ walk }) => walk.service.id).values()].flatMap((group) =>
    rewritingAll(snapshot, group, group[0] && listenPort(group[0])),
  );
  return [moved, ...(rewrites.length > 0 ? [combine(host, [...rewrites, moved])] : [])];
}

function servesToo(c: Case, item: Broken): boolean {
  const { upstream, client } = item.walk;
  const port = listenPort(item);
  if (upstream.address === undefined || upstream.family === undefined || port === undefined) return false;
  const packet: Packet = {
    family: upstream.family,
    protocol: 17,
    source: client,
    destination: upstream.address,
    destinationPort: port,
    mark: 0,
  };
  const owners = ownersOf(c.snapshots, upstream.address);
  return owners.some((owner) => {
    const socket = findListener(factOf(c.snapshots.get(owner), 'sockets'), 'udp', packet);
    return socket !== undefined && socket !== 'unknown';
  });
}

export default rule;
