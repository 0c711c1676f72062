import { markArgumentsFor, markRules, policyRouting, probesOf, proxyConfig, rewriteTable, upstreamConfig } from './parts.js';
import { startDnsmasq, startNginx } from './services.js';
import type { HostPlan, Topology } from './topology.js';

/*
 * Two nginx that serve at the same time. The floating address that is the upstreams' gateway is on the second one. Each asks the upstreams at
 * addresses of its own, and by these the upstreams know whose way back a reply has to take.
 */

export const pair = {
  client: { address: '192.168.99.50', second: '192.168.99.51', address6: 'fd00:99::50', second6: 'fd00:99::51' },
  floating: { address: '172.16.0.1', address6: 'fd00:16::1' },
  a: { name: 'proxy-a', outer: '192.168.99.10', outer6: 'fd00:99::10', inner: '172.16.0.2', inner6: 'fd00:16::2' },
  b: { name: 'proxy-b', outer: '192.168.99.20', outer6: 'fd00:99::20', inner: '172.16.0.3', inner6: 'fd00:16::3' },
  upstreams: [1, 2].map((n) => ({
    name: `dev${n}`,
    a: { address: `172.16.0.1${n}`, address6: `fd00:16::1${n}` },
    b: { address: `172.16.0.2${n}`, address6: `fd00:16::2${n}` },
    answer: `10.0.0.${n}`,
  })),
  marks: { a: markArgumentsFor('172.16.0.8/29', 'fd00:16::10/124'), b: markArgumentsFor('172.16.0.16/29', 'fd00:16::20/124') },
} as const;

const { client, floating, upstreams } = pair;

export const pairRewrite = (which: 'a' | 'b', to: string = pair[which].outer): string => {
  const addresses = upstreams.map((u) => u[which].address).join(', ');
  return rewriteTable([`ip saddr { ${addresses} } udp sport 53 ip saddr set ${to}`], `{ ${addresses} }`);
};

const proxyHost = (which: 'a' | 'b'): HostPlan => {
  const { name, outer, outer6, inner, inner6 } = pair[which];
  const floats = which === 'b' ? [`${floating.address}/24`, `${floating.address6}/64`] : [];
  return {
    name,
    links: [
      { segment: 'outer', addresses: [`${outer}/24`, `${outer6}/64`] },
      { segment: 'inner', addresses: [`${inner}/24`, `${inner6}/64`, ...floats] },
    ],
    sysctls: { 'ipv4/ip_forward': '1', 'ipv4/udp_early_demux': '0' },
    files: {
      'nginx.conf': proxyConfig(
        upstreams.map((u) => u[which].address),
        upstreams.map((u) => u[which].address6),
      ),
    },
    setup: [policyRouting, markRules(pair.marks[which]), pairRewrite(which), startNginx()].join('\n'),
  };
};

/** The way back for what one nginx asked of this upstream; the table is numbered as that nginx's address ends. */
const wayBack = ({ address, address6 }: { address: string; address6: string }, which: 'a' | 'b', table: number): string =>
  `ip rule add from ${address} lookup ${table}
ip route add default via ${pair[which].inner} table ${table}
ip -6 rule add from ${address6} lookup ${table}
ip -6 route add default via ${pair[which].inner6} table ${table}`;

const upstreamHost = ({ name, a, b, answer }: (typeof upstreams)[number]): HostPlan => ({
  name,
  links: [{ segment: 'inner', addresses: [a, b].flatMap(({ address, address6 }) => [`${address}/24`, `${address6}/64`]) }],
  files: { 'nginx.conf': upstreamConfig(name) },
  setup: [
    `ip route add default via ${floating.address}\nip -6 route add default via ${floating.address6}`,
    wayBack(a, 'a', 2),
    wayBack(b, 'b', 3),
    startDnsmasq(`${a.address},${b.address}`, 53, answer),
    startDnsmasq(`${a.address},${b.address}`, 5300, answer),
    startNginx(),
  ].join('\n'),
});

const probesAt = ({ outer, outer6 }: { outer: string; outer6: string }) =>
  probesOf({
    client: 'client',
    from: [client.address, client.second],
    from6: [client.address6, client.second6],
    to: outer,
    to6: outer6,
    upstreams,
  });

export const haPairTopology = (): Topology => ({
  segments: ['outer', 'inner'],
  hosts: [
    {
      name: 'client',
      links: [
        { segment: 'outer', addresses: [`${client.address}/24`, `${client.second}/24`, `${client.address6}/64`, `${client.second6}/64`] },
      ],
    },
    proxyHost('a'),
    proxyHost('b'),
    ...upstreams.map(upstreamHost),
  ],
  probes: Object.fromEntries(
    (['a', 'b'] as const).flatMap((which) => Object.entries(probesAt(pair[which])).map(([service, plan]) => [`${service}-${which}`, plan])),
  ),
});
