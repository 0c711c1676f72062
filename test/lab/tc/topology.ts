import { nginxPreamble, startDnsmasq, startNginx } from '../services.js';
import type { HostPlan, ProbePlan, Topology } from '../topology.js';

/*
 * Two name services of four upstreams by direct server return, on ports 53 and 5353, and a second router beside nginx's host. As raised, nothing
 * rewrites replies and the upstreams know no way to the client: that is what a method adds (methods.ts).
 */

export const client = { address: '192.168.99.50', second: '192.168.99.51' } as const;
export const vip = '192.168.99.10';
export const proxyInner = '172.16.0.1';
export const gatewayInner = '172.16.0.2';
export const upstreams = [1, 2, 3, 4].map((n) => ({ name: `dev${n}`, address: `172.16.0.1${n}`, answer: `10.0.0.${n}` }));
export const ports = [53, 5353] as const;

const server = (port: number): string => `    upstream names${port} {
${upstreams.map(({ address }) => `        server ${address}:${port} max_fails=0;`).join('\n')}
    }
    server {
        listen ${port} udp;
        proxy_bind $remote_addr:$remote_port transparent;
        proxy_responses 0;
        proxy_timeout 1s;
        proxy_pass names${port};
    }
`;

export const proxyConfig = `${nginxPreamble}stream {
${ports.map(server).join('')}}
`;

const hosts: readonly HostPlan[] = [
  { name: 'client', links: [{ segment: 'outer', addresses: [`${client.address}/24`, `${client.second}/24`] }] },
  {
    name: 'proxy',
    links: [
      { segment: 'outer', addresses: [`${vip}/24`] },
      { segment: 'inner', addresses: [`${proxyInner}/24`] },
    ],
    files: { 'nginx.conf': proxyConfig },
    setup: startNginx(),
  },
  {
    name: 'gw',
    links: [
      { segment: 'outer', addresses: ['192.168.99.2/24'] },
      { segment: 'inner', addresses: [`${gatewayInner}/24`] },
    ],
  },
  ...upstreams.map(
    ({ name, address, answer }): HostPlan => ({
      name,
      links: [{ segment: 'inner', addresses: [`${address}/24`] }],
      setup: ports.map((port) => startDnsmasq(address, port, answer)).join('\n'),
    }),
  ),
];

const probe = (port: number): ProbePlan => ({
  kind: 'dns',
  client: 'client',
  from: [client.address, client.second],
  to: vip,
  port,
  upstreams,
});

export const tcTopology: Topology = {
  segments: ['outer', 'inner'],
  hosts,
  probes: Object.fromEntries(ports.map((port) => [`dns${port}`, probe(port)])),
};
