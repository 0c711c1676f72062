import { findMaster } from '../../src/cures/nginx.js';
import { configOf } from '../../src/nginx/of-snapshot.js';
import { descendants } from '../../src/nginx/scope.js';
import { groupBy, list } from '../../src/reasoning/broken.js';
import { type Front, frontAt, loggedClients, passesTo } from '../../src/reasoning/front-host.js';
import { configEvidence } from '../../src/reasoning/hits.js';
import { setDirectives } from '../../src/reasoning/rewrite-directive.js';
import type { Case, Conclusion, Cure, Rule, Service, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: "what nginx takes for the client is a proxy, a router or a container's gateway",
  why: "$remote_addr is the address that the packet came from. Behind a load balancer, a router that masquerades, or the bridge of a container engine that is always the same one, and proxy_bind hands just this address to the upstreams: everything works, and the clients' addresses are lost.",
  signs: {
    logs: "Every line of nginx's access log begins with the same address, which belongs to another machine of one's own or to the bridge; so do the upstreams' logs.",
    packets: "On nginx's outer link all requests come from that one address; in front of it they come from many.",
  },
  proof:
    'The logs since the workers started name no other client of that family, and the address is a named host whose nginx passes requests on plainly or whose nat rules take these requests, or it is the default gateway of the container that nginx runs in. One address alone proves nothing: it may be the only client.',
  cure: {
    how: [
      'A proxy in front has to name its clients, and nginx to believe it: X-Forwarded-For there, "set_real_ip_from 192.168.99.2; real_ip_header X-Forwarded-For;" in nginx; in stream the PROXY protocol on both sides. A router has to leave requests to nginx as they are:',
      '  iptables -t nat -I POSTROUTING -d 192.168.99.10 -j ACCEPT',
      'A container needs the network of its host (docker run --network host).',
    ].join('\n'),
    touches: ['nginx', 'firewall', 'platform'],
  },
  run: (c) =>
    [...c.snapshots.values()].flatMap((snapshot) =>
      ([4, 6] as const).flatMap((family) => {
        const services = c.services.filter(
          ({ host, mode, realip, listeners }) =>
            host === snapshot.host && mode !== 'plain' && !realip && listeners.some((listener) => listener.family === family),
        );
        const clients = services.length > 0 ? loggedClients(snapshot, family) : [];
        const fronts = clients.map((address) => frontAt(c, snapshot, services, address));
        const known = fronts.filter((front) => front !== undefined);
        if (known.length === 0 || known.length < fronts.length) return [];
        return [...groupBy(known, (front) => (front.kind === 'bridge' ? '' : front.host)).values()].flatMap(([front]) =>
          front ? conclude(c, snapshot, services, front) : [],
        );
      }),
    ),
};

function conclude(c: Case, snapshot: Snapshot, all: readonly Service[], front: Front): Conclusion[] {
  const services = front.kind === 'proxy' ? all.filter((service) => passesTo(front.service, service, snapshot)) : all;
  const { address, evidence } = front;
  const nginxHost = snapshot.host;
  const ids = services.map(({ id }) => id);
  return [
    {
      host: front.kind === 'nat' ? front.host : nginxHost,
      severity: 'fault',
      certainty: front.kind === 'proxy' ? 'proven' : 'consistent',
      summary: `every client that nginx on ${nginxHost} sees is ${address}, ${describe(front)} (${list(ids)})`,
      steps: [
        `the logs of ${nginxHost} name no client but ${address}`,
        `${address} is ${describe(front)}`,
        "proxy_bind gives the upstreams this address in place of the client's",
      ],
      evidence: [
        ...evidence,
        { host: nginxHost, what: `${address} is the only client of its family since the workers started`, source: 'access log' },
        ...services.flatMap(({ bind }) => (bind ? configEvidence(nginxHost, `proxy_bind ${bind.text}`, bind.at) : [])).slice(0, 2),
      ],
      explains: ids.map((id) => `${id}: upstreams take every client for ${address}`),
      walks: c.walks.filter((walk) => services.includes(walk.service)),
      cures: front.kind === 'nat' ? [front.exempt] : front.kind === 'proxy' ? readHeader(c, snapshot, services, front) : [],
      verify: ["tail the upstreams' access logs: they must name the clients' own addresses"],
      ...(front.kind === 'bridge' ? { settle: 'tcpdump on the machine that runs the container, in front of its bridge' } : {}),
    },
  ];
}

function describe(front: Front): string {
  if (front.kind === 'bridge') return 'the gateway of the container that it runs in';
  return front.kind === 'proxy' ? `the proxy ${front.host} in front of it` : `the router ${front.host}, which translates what it forwards`;
}

/** Of http alone, where the module is there and the proxy in front names its client: stream needs a change on both hosts at one time. */
function readHeader(c: Case, snapshot: Snapshot, services: readonly Service[], front: Front & { kind: 'proxy' }): Cure[] {
  const master = findMaster(snapshot, services[0]?.master ?? 0);
  const hasModule = master?.configureArguments.includes('--with-http_realip_module') ?? false;
  if (!hasModule || !services.every(({ protocol }) => protocol === 'http') || !sendsHeader(c, front)) return [];
  const at = () => undefined;
  return setDirectives(c, services, [
    { name: 'set_real_ip_from', at, text: `set_real_ip_from ${front.address};`, why: `what ${front.host} says of its clients is believed` },
    { name: 'real_ip_header', at, text: 'real_ip_header X-Forwarded-For;', why: "$remote_addr is then the client's own address" },
  ]);
}

function sendsHeader(c: Case, { host, service }: Front & { kind: 'proxy' }): boolean {
  const snapshot = c.snapshots.get(host);
  const master = findMaster(snapshot, service.master);
  const blocks = (master && configOf(snapshot, master)?.directives.filter(({ name, block }) => name === 'http' && block)) ?? [];
  return blocks.some((block) =>
    [...descendants(block, 'proxy_set_header')].some(({ directive }) => directive.args[0]?.toLowerCase() === 'x-forwarded-for'),
  );
}

export default rule;
