import { markArgumentsFor, markRules, policyRouting, probesOf, proxyConfig, rewriteTable, upstreamConfig } from './parts.js';
import { startDnsmasq, startNginx } from './services.js';
import type { HostPlan, Topology } from './topology.js';

/*
 * The setup of the NGINX article: clients, one nginx, four upstreams whose gateway it is. Three transparent services (http on 80 over both families,
 * DNS over UDP on 5300, plain TCP on 9000) and DNS on 53 by direct server return with router NAT on nginx's host.
 */

export const client = {
  name: 'client',
  address: '192.168.99.50',
  second: '192.168.99.51',
  address6: 'fd00:99::50',
  second6: 'fd00:99::51',
} as const;
export const proxy = { name: 'proxy', outer: '192.168.99.10', inner: '172.16.0.1', outer6: 'fd00:99::10', inner6: 'fd00:16::1' } as const;
export const gateway = { name: 'gw', outer: '192.168.99.2', inner: '172.16.0.2' } as const;
export const upstreams = [1, 2, 3, 4].map((n) => ({
  name: `dev${n}`,
  address: `172.16.0.1${n}`,
  address6: `fd00:16::1${n}`,
  answer: `10.0.0.${n}`,
}));

/** Arguments of the rules that mark the replies of one service. */
export const markArguments = markArgumentsFor('172.16.0.0/28', 'fd00:16::/64');

export const rewriteRule = (address: string): string => `ip saddr ${address} udp sport 53 ip saddr set ${proxy.outer}`;

const clientHost: HostPlan = {
  name: client.name,
  links: [
    {
      segment: 'outer',
      addresses: [`${client.address}/24`, `${client.second}/24`, `${client.address6}/64`, `${client.second6}/64`],
    },
  ],
};

const proxyHost: HostPlan = {
  name: proxy.name,
  links: [
    { segment: 'outer', addresses: [`${proxy.outer}/24`, `${proxy.outer6}/64`] },
    { segment: 'inner', addresses: [`${proxy.inner}/24`, `${proxy.inner6}/64`] },
  ],
  // Replies of DNS on 53 are forwarded; early demux would attach some of them to nginx's spoofed sockets and lose them.
  sysctls: { 'ipv4/ip_forward': '1', 'ipv4/udp_early_demux': '0' },
  files: {
    'nginx.conf': proxyConfig(
      upstreams.map((u) => u.address),
      upstreams.map((u) => u.address6),
    ),
  },
  setup: [policyRouting, markRules(markArguments), rewriteTable(upstreams.map((u) => rewriteRule(u.address))), startNginx()].join('\n'),
};

const upstreamHost = ({ name, address, address6, answer }: (typeof upstreams)[number]): HostPlan => ({
  name,
  links: [{ segment: 'inner', addresses: [`${address}/24`, `${address6}/64`] }],
  files: { 'nginx.conf': upstreamConfig(name) },
  setup: [
    `ip route add default via ${proxy.inner}`,
    `ip -6 route add default via ${proxy.inner6}`,
    startDnsmasq(address, 53, answer),
    startDnsmasq(address, 5300, answer),
    startNginx(),
  ].join('\n'),
});

/** Another router between the two segments, which knows nothing of nginx. */
const gatewayHost: HostPlan = {
  name: gateway.name,
  links: [
    { segment: 'outer', addresses: [`${gateway.outer}/24`] },
    { segment: 'inner', addresses: [`${gateway.inner}/24`] },
  ],
  sysctls: { 'ipv4/ip_forward': '1' },
};

export interface ArticleOptions {
  /** Adds the host `gw`, a second way between the segments that nobody uses yet. */
  withGateway?: boolean;
}

const articleProbes = probesOf({
  client: client.name,
  from: [client.address, client.second],
  from6: [client.address6, client.second6],
  to: proxy.outer,
  to6: proxy.outer6,
  upstreams,
});

export const articleServices: readonly string[] = Object.keys(articleProbes);

export const articleTopology = ({ withGateway = false }: ArticleOptions = {}): Topology => ({
  segments: ['outer', 'inner'],
  hosts: [clientHost, proxyHost, ...upstreams.map(upstreamHost), ...(withGateway ? [gatewayHost] : [])],
  probes: articleProbes,
});
