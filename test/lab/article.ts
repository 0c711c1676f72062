import { httpPreamble, nginxPreamble, startDnsmasq, startNginx } from './services.js';
import type { HostPlan, ProbePlan, Topology } from './topology.js';

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

/** What each method of marking needs on nginx's host besides the rules that mark. */
const policyRouting = `ip rule add fwmark 1 lookup 100
ip route add local 0.0.0.0/0 dev lo table 100
ip -6 rule add fwmark 1 lookup 100
ip -6 route add local ::/0 dev lo table 100`;

/** Arguments of the rules that mark the replies of one service. */
export const markArguments = {
  http: 'PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
  tcp: 'PREROUTING -p tcp -s 172.16.0.0/28 --sport 9000 -j MARK --set-xmark 0x1/0xffffffff',
  udp5300: 'PREROUTING -p udp -s 172.16.0.0/28 --sport 5300 -j MARK --set-xmark 0x1/0xffffffff',
  http6: 'PREROUTING -p tcp -s fd00:16::/64 --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
} as const;

const markRules = `iptables-nft -t mangle -A ${markArguments.http}
iptables-nft -t mangle -A ${markArguments.tcp}
iptables-nft -t mangle -A ${markArguments.udp5300}
ip6tables-nft -t mangle -A ${markArguments.http6}`;

/** The stateless rewrite of the upstreams' DNS replies, as nft reads it. A notrack in the second chain would not load. */
export const rewriteTable = (rules: readonly string[]): string => `nft -f - <<'END'
table ip dsr {
  chain untracked {
    type filter hook prerouting priority raw;
    ip saddr 172.16.0.11-172.16.0.14 udp sport 53 notrack
  }
  chain rewrite {
    type filter hook postrouting priority srcnat;
${rules.map((rule) => `    ${rule}`).join('\n')}
  }
}
END`;

export const rewriteRule = (address: string): string => `ip saddr ${address} udp sport 53 ip saddr set ${proxy.outer}`;

/** max_fails=0: nginx would otherwise leave a failing upstream out for ten seconds, and the fault would hide. */
const upstreamBlock = (name: string, addresses: readonly string[], port: number): string =>
  [`    upstream ${name} {`, ...addresses.map((address) => `        server ${address}:${port} max_fails=0;`), '    }', ''].join('\n');

const fourth = upstreams.map((u) => u.address);
const sixth = upstreams.map((u) => `[${u.address6}]`);

const proxyConfig = `${nginxPreamble}http {
${httpPreamble}    proxy_connect_timeout 500ms;
    proxy_read_timeout 2s;
    proxy_next_upstream off;

${upstreamBlock('web', fourth, 80)}${upstreamBlock('web6', sixth, 80)}
    server {
        listen 80;
        location / {
            proxy_bind $remote_addr transparent;
            proxy_pass http://web;
        }
    }
    server {
        listen [::]:80;
        location / {
            proxy_bind $remote_addr transparent;
            proxy_pass http://web6;
        }
    }
}
stream {
    proxy_connect_timeout 500ms;
    proxy_next_upstream off;

${upstreamBlock('names', fourth, 53)}${upstreamBlock('names_method1', fourth, 5300)}${upstreamBlock('plain_tcp', fourth, 9000)}
    server {
        listen 53 udp;
        proxy_bind $remote_addr:$remote_port transparent;
        proxy_responses 0;
        proxy_timeout 1s;
        proxy_pass names;
    }
    server {
        listen 5300 udp;
        proxy_bind $remote_addr transparent;
        proxy_responses 1;
        proxy_timeout 2s;
        proxy_pass names_method1;
    }
    server {
        listen 9000;
        proxy_bind $remote_addr transparent;
        proxy_timeout 2s;
        proxy_pass plain_tcp;
    }
}
`;

const upstreamConfig = (name: string): string => `${nginxPreamble}http {
${httpPreamble}    server {
        listen 80;
        listen [::]:80;
        location / {
            return 200 "${name} $remote_addr\\n";
        }
    }
}
stream {
    server {
        listen 9000;
        return "${name} $remote_addr\\n";
    }
}
`;

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
  files: { 'nginx.conf': proxyConfig },
  setup: [policyRouting, markRules, rewriteTable(upstreams.map((u) => rewriteRule(u.address))), startNginx()].join('\n'),
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

const probesOf = (kind: ProbePlan['kind'], to: string, port: number): ProbePlan => ({
  kind,
  client: client.name,
  from: to === proxy.outer6 ? [client.address6, client.second6] : [client.address, client.second],
  to,
  port,
  upstreams,
});

/** dns is port 53 by direct server return, udp5300 port 5300 by method 1. */
const articleProbes = {
  http: probesOf('http', proxy.outer, 80),
  http6: probesOf('http', proxy.outer6, 80),
  tcp: probesOf('tcp', proxy.outer, 9000),
  dns: probesOf('dns', proxy.outer, 53),
  udp5300: probesOf('dns', proxy.outer, 5300),
};

export const articleServices: readonly string[] = Object.keys(articleProbes);

export const articleTopology = ({ withGateway = false }: ArticleOptions = {}): Topology => ({
  segments: ['outer', 'inner'],
  hosts: [clientHost, proxyHost, ...upstreams.map(upstreamHost), ...(withGateway ? [gatewayHost] : [])],
  probes: articleProbes,
});
