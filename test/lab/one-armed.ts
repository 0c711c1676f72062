import { markArgumentsFor, markRules, policyRouting, probesOf, proxyConfig, rewriteTable, upstreamConfig } from './parts.js';
import { startDnsmasq, startNginx } from './services.js';
import type { HostPlan, Topology } from './topology.js';

/*
 * One segment with nginx, its upstreams and the router to the clients on it, one interface each. The upstreams' gateway is nginx, which sends DNS
 * replies out through the interface they came in on.
 */

export const arm = {
  client: { address: '10.99.0.50', second: '10.99.0.51', address6: 'fd00:99::50', second6: 'fd00:99::51' },
  router: { outer: '10.99.0.1', outer6: 'fd00:99::1', inner: '172.20.0.1', inner6: 'fd00:20::1' },
  proxy: { address: '172.20.0.10', address6: 'fd00:20::10' },
  upstreams: [1, 2].map((n) => ({ name: `dev${n}`, address: `172.20.0.1${n}`, address6: `fd00:20::1${n}`, answer: `10.0.0.${n}` })),
  marks: markArgumentsFor('172.20.0.8/29', 'fd00:20::/64'),
} as const;

const { client, router, proxy, upstreams } = arm;

export const armRewrite = (match: string, to: string = proxy.address): string =>
  rewriteTable([`${match} ip saddr set ${to}`], '172.20.0.11-172.20.0.12');

const gateways = (fourth: string, sixth: string): string => `ip route add default via ${fourth}\nip -6 route add default via ${sixth}`;

const hosts: readonly HostPlan[] = [
  {
    name: 'client',
    links: [
      { segment: 'outer', addresses: [`${client.address}/24`, `${client.second}/24`, `${client.address6}/64`, `${client.second6}/64`] },
    ],
    setup: gateways(router.outer, router.outer6),
  },
  {
    name: 'router',
    links: [
      { segment: 'outer', addresses: [`${router.outer}/24`, `${router.outer6}/64`] },
      { segment: 'lan', addresses: [`${router.inner}/24`, `${router.inner6}/64`] },
    ],
    sysctls: { 'ipv4/ip_forward': '1', 'ipv6/conf/all/forwarding': '1' },
  },
  {
    name: 'proxy',
    links: [{ segment: 'lan', addresses: [`${proxy.address}/24`, `${proxy.address6}/64`] }],
    // Redirects would send the upstreams' replies of every service straight to the router.
    sysctls: { 'ipv4/ip_forward': '1', 'ipv4/udp_early_demux': '0', 'ipv4/conf/*/send_redirects': '0' },
    files: {
      'nginx.conf': proxyConfig(
        upstreams.map((u) => u.address),
        upstreams.map((u) => u.address6),
      ),
    },
    setup: [
      gateways(router.inner, router.inner6),
      policyRouting,
      markRules(arm.marks),
      armRewrite('ip saddr 172.20.0.11-172.20.0.12 udp sport 53'),
      startNginx(),
    ].join('\n'),
  },
  ...upstreams.map(
    ({ name, address, address6, answer }): HostPlan => ({
      name,
      links: [{ segment: 'lan', addresses: [`${address}/24`, `${address6}/64`] }],
      files: { 'nginx.conf': upstreamConfig(name) },
      setup: [
        gateways(proxy.address, proxy.address6),
        startDnsmasq(address, 53, answer),
        startDnsmasq(address, 5300, answer),
        startNginx(),
      ].join('\n'),
    }),
  ),
];

export const oneArmedTopology = (): Topology => ({
  segments: ['outer', 'lan'],
  hosts,
  probes: probesOf({
    client: 'client',
    from: [client.address, client.second],
    from6: [client.address6, client.second6],
    to: proxy.address,
    to6: proxy.address6,
    upstreams,
  }),
});
