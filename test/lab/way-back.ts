import { markArgumentsFor, markRules, policyRouting, probesOf, proxyConfig, rewriteTable, upstreamConfig } from './parts.js';
import { startDnsmasq, startNginx } from './services.js';
import type { HostPlan, Topology } from './topology.js';

/*
 * Clients reach nginx through one router; the upstreams' DNS replies, which they rewrite themselves, reach the clients through another one. Replies of
 * the other services go back by nginx.
 */

export const way = {
  client: { address: '10.99.0.50', second: '10.99.0.51', address6: 'fd00:99::50', second6: 'fd00:99::51' },
  router: { outer: '10.99.0.1', outer6: 'fd00:99::1', inner: '10.30.0.1', inner6: 'fd00:30::1' },
  back: { outer: '10.99.0.2', inner: '10.40.0.1' },
  proxy: { outer: '10.30.0.10', outer6: 'fd00:30::10', inner: '172.30.0.1', inner6: 'fd00:31::1' },
  upstreams: [1, 2].map((n) => ({
    name: `dev${n}`,
    address: `172.30.0.1${n}`,
    address6: `fd00:31::1${n}`,
    back: `10.40.0.1${n}`,
    answer: `10.0.0.${n}`,
  })),
  marks: markArgumentsFor('172.30.0.0/28', 'fd00:31::/64'),
} as const;

const { client, router, back, proxy, upstreams } = way;

/** What an upstream does to its own replies. */
export const originRewrite = (match: string, to: string = proxy.outer): string =>
  rewriteTable([`${match} ip saddr set ${to}`], '172.30.0.11-172.30.0.12');

export const originRule = (address: string): string => `ip saddr ${address} udp sport 53`;

const hosts: readonly HostPlan[] = [
  {
    name: 'client',
    links: [
      { segment: 'outer', addresses: [`${client.address}/24`, `${client.second}/24`, `${client.address6}/64`, `${client.second6}/64`] },
    ],
    setup: `ip route add default via ${router.outer}\nip -6 route add default via ${router.outer6}`,
  },
  {
    name: 'router',
    links: [
      { segment: 'outer', addresses: [`${router.outer}/24`, `${router.outer6}/64`] },
      { segment: 'front', addresses: [`${router.inner}/24`, `${router.inner6}/64`] },
    ],
    sysctls: { 'ipv4/ip_forward': '1', 'ipv6/conf/all/forwarding': '1' },
  },
  {
    name: 'back',
    links: [
      { segment: 'outer', addresses: [`${back.outer}/24`] },
      { segment: 'rear', addresses: [`${back.inner}/24`] },
    ],
    sysctls: { 'ipv4/ip_forward': '1' },
    setup: `ip route add default via ${router.outer}`,
  },
  {
    name: 'proxy',
    links: [
      { segment: 'front', addresses: [`${proxy.outer}/24`, `${proxy.outer6}/64`] },
      { segment: 'inner', addresses: [`${proxy.inner}/24`, `${proxy.inner6}/64`] },
    ],
    files: {
      'nginx.conf': proxyConfig(
        upstreams.map((u) => u.address),
        upstreams.map((u) => u.address6),
      ),
    },
    setup: [
      `ip route add default via ${router.inner}\nip -6 route add default via ${router.inner6}`,
      policyRouting,
      markRules(way.marks),
      startNginx(),
    ].join('\n'),
  },
  ...upstreams.map(
    ({ name, address, address6, back: ownBack, answer }): HostPlan => ({
      name,
      links: [
        { segment: 'inner', addresses: [`${address}/24`, `${address6}/64`] },
        { segment: 'rear', addresses: [`${ownBack}/24`] },
      ],
      files: { 'nginx.conf': upstreamConfig(name) },
      setup: [
        `ip route add default via ${proxy.inner}\nip -6 route add default via ${proxy.inner6}`,
        `ip rule add ipproto udp sport 53 lookup 53\nip route add default via ${back.inner} table 53`,
        originRewrite(originRule(address)),
        startDnsmasq(address, 53, answer),
        startDnsmasq(address, 5300, answer),
        startNginx(),
      ].join('\n'),
    }),
  ),
];

export const wayBackTopology = (): Topology => ({
  segments: ['outer', 'front', 'inner', 'rear'],
  hosts,
  probes: probesOf({
    client: 'client',
    from: [client.address, client.second],
    from6: [client.address6, client.second6],
    to: proxy.outer,
    to6: proxy.outer6,
    upstreams,
  }),
});
