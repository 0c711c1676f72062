import { httpPreamble, nginxPreamble } from './services.js';
import type { ProbePlan } from './topology.js';

/* What hosts of several topologies have in common. */

/** What each method of marking needs on nginx's host besides the rules that mark. */
export const policyRouting = `ip rule add fwmark 1 lookup 100
ip route add local 0.0.0.0/0 dev lo table 100
ip -6 rule add fwmark 1 lookup 100
ip -6 route add local ::/0 dev lo table 100`;

/** Arguments of the rules that mark the replies of one service of method 1 each, from these prefixes. */
export const markArgumentsFor = (prefix: string, prefix6: string) => ({
  http: `PREROUTING -p tcp -s ${prefix} --sport 80 -j MARK --set-xmark 0x1/0xffffffff`,
  tcp: `PREROUTING -p tcp -s ${prefix} --sport 9000 -j MARK --set-xmark 0x1/0xffffffff`,
  udp5300: `PREROUTING -p udp -s ${prefix} --sport 5300 -j MARK --set-xmark 0x1/0xffffffff`,
  http6: `PREROUTING -p tcp -s ${prefix6} --sport 80 -j MARK --set-xmark 0x1/0xffffffff`,
});

export const markRules = ({ http, tcp, udp5300, http6 }: ReturnType<typeof markArgumentsFor>): string =>
  [...[http, tcp, udp5300].map((rule) => `iptables-nft -t mangle -A ${rule}`), `ip6tables-nft -t mangle -A ${http6}`].join('\n');

/** The stateless rewrite of the upstreams' DNS replies, as nft reads it. A notrack in the second chain would not load. */
export const rewriteTable = (rules: readonly string[], prefix = '172.16.0.11-172.16.0.14'): string => `nft -f - <<'END'
table ip dsr {
  chain untracked {
    type filter hook prerouting priority raw;
    ip saddr ${prefix} udp sport 53 notrack
  }
  chain rewrite {
    type filter hook postrouting priority srcnat;
${rules.map((rule) => `    ${rule}`).join('\n')}
  }
}
END`;

/** max_fails=0: nginx would otherwise leave a failing upstream out for ten seconds, and the fault would hide. */
const upstreamBlock = (name: string, addresses: readonly string[], port: number): string =>
  [`    upstream ${name} {`, ...addresses.map((address) => `        server ${address}:${port} max_fails=0;`), '    }', ''].join('\n');

/**
 * Five transparent services for these upstreams: http on 80 over both families, plain TCP on 9000, DNS over UDP on 5300, and DNS on 53 by direct
 * server return.
 */
export const proxyConfig = (fourth: readonly string[], sixth: readonly string[]): string => `${nginxPreamble}http {
${httpPreamble}    proxy_connect_timeout 500ms;
    proxy_read_timeout 2s;
    proxy_next_upstream off;

${upstreamBlock('web', fourth, 80)}${upstreamBlock(
  'web6',
  sixth.map((address) => `[${address}]`),
  80,
)}
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

/** Answers http and plain TCP with its name and the address of who asks. */
export const upstreamConfig = (name: string): string => `${nginxPreamble}http {
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

/** Whom its services are asked for, and by whom. */
interface Asked {
  client: string;
  from: readonly [string, string];
  from6: readonly [string, string];
  to: string;
  to6: string;
  upstreams: ProbePlan['upstreams'];
}

/** One probe for each service of `proxyConfig`: dns is port 53 by direct server return, udp5300 port 5300 by method 1. */
export function probesOf({ client, from, from6, to, to6, upstreams }: Asked) {
  const plan = (kind: ProbePlan['kind'], port: number): ProbePlan => ({ kind, client, from, to, port, upstreams });
  return {
    http: plan('http', 80),
    http6: { ...plan('http', 80), from: from6, to: to6 },
    tcp: plan('tcp', 9000),
    dns: plan('dns', 53),
    udp5300: plan('dns', 5300),
  };
}
