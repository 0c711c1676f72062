import { proxy, rewriteRule, upstreams } from '../article.js';
import type { Change } from '../lab.js';
import { rewriteTable } from '../parts.js';
import { startNginx, stopNginx } from '../services.js';
import { repliesThroughGateway, rewriteAtOrigin, rewriteInstead } from './dsr.js';
import type { Oddity } from './scenario.js';
import { secondCard } from './upstream.js';
import { ambient, nginxAsWorkerUser } from './worker.js';

const onProxy = (run: string): Change => ({ host: 'proxy', run });
const onEveryHost = (run: string): Change[] => ['client', 'proxy', ...upstreams.map((u) => u.name)].map((host) => ({ host, run }));

/** The lab's marking rules gone, these commands instead. */
const markedInstead = (run: string): Change =>
  onProxy(`iptables-nft -t mangle -F PREROUTING\nip6tables-nft -t mangle -F PREROUTING\n${run}`);

const everywhere = (sysctl: string, value: number): string => `for f in /proc/sys/net/ipv4/conf/*/${sysctl}; do echo ${value} > "$f"; done`;

const webServer = '    server {\n        listen 80;\n';
const transparentPass = 'proxy_bind $remote_addr transparent;\n            proxy_pass http://web;';

const routing: readonly Oddity[] = [
  { name: 'strict rp_filter on every host', changes: onEveryHost(everywhere('rp_filter', 1)) },
  { name: 'loose rp_filter on every host', changes: onEveryHost(everywhere('rp_filter', 2)) },
  {
    name: 'src_valid_mark together with accept_local',
    changes: [onProxy(`${everywhere('src_valid_mark', 1)}\n${everywhere('accept_local', 1)}`)],
  },
  {
    name: 'upstreams without default route: a rule for their own address leads to nginx',
    changes: upstreams.map(({ name, address, address6 }) => ({
      host: name,
      run: `ip rule add from ${address} lookup 200
            ip route add default via ${proxy.inner} table 200
            ip route del default
            ip -6 rule add from ${address6} lookup 200
            ip -6 route add default via ${proxy.inner6} table 200
            ip -6 route del default`,
    })),
  },
  {
    name: 'a client on a connected subnet, with host routes to nginx',
    changes: [
      secondCard('dev3', 'outer'),
      {
        host: 'dev3',
        run: `ip address add 192.168.99.13/24 dev eth1
              ip link set eth1 up
              ip route add 192.168.99.50/32 via ${proxy.inner}
              ip route add 192.168.99.51/32 via ${proxy.inner}`,
      },
    ],
  },
  {
    name: 'forwarding off where all services are method 1',
    lacks: ['dns'],
    changes: [
      onProxy('echo 0 > /proc/sys/net/ipv4/ip_forward'),
      {
        host: 'proxy',
        replace: [
          [
            `    server {
        listen 53 udp;
        proxy_bind $remote_addr:$remote_port transparent;
        proxy_responses 0;
        proxy_timeout 1s;
        proxy_pass names;
    }
`,
            '',
          ],
        ],
      },
    ],
  },
];

const marks: readonly Oddity[] = [
  {
    name: 'marks by legacy iptables',
    changes: [
      markedInstead(`iptables-legacy -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 -m multiport --sports 80,9000 -j MARK --set-mark 1
iptables-legacy -t mangle -A PREROUTING -p udp -s 172.16.0.0/28 --sport 5300 -j MARK --set-mark 1
ip6tables-legacy -t mangle -A PREROUTING -p tcp -s fd00:16::/64 --sport 80 -j MARK --set-mark 1`),
    ],
  },
  {
    name: 'marks by nft',
    changes: [
      markedInstead(`nft -f - <<'END'
table inet marks {
  set devs { type ipv4_addr; elements = { 172.16.0.11, 172.16.0.12, 172.16.0.13, 172.16.0.14 }; }
  chain prerouting {
    type filter hook prerouting priority mangle;
    ip saddr @devs tcp sport { 80, 9000 } meta mark set 1
    ip saddr @devs udp sport 5300 meta mark set 1
    ip6 saddr fd00:16::/64 tcp sport 80 meta mark set 1
  }
}
END`),
    ],
  },
  {
    name: 'marks by the socket match of iptables',
    changes: [
      // Not for DNS on 53: a reply that comes while its spoofed socket is still open would be marked.
      markedInstead(`iptables-nft -t mangle -A PREROUTING -p tcp -m socket --transparent -j MARK --set-mark 1
iptables-nft -t mangle -A PREROUTING -p udp --sport 5300 -m socket --transparent -j MARK --set-mark 1
ip6tables-nft -t mangle -A PREROUTING -m socket --transparent -j MARK --set-mark 1`),
    ],
  },
  {
    name: 'marks by the socket expression of nft',
    changes: [
      markedInstead(`nft -f - <<'END'
table inet marks {
  chain prerouting {
    type filter hook prerouting priority mangle;
    udp sport 53 accept
    socket transparent 1 meta mark set 1
  }
}
END`),
    ],
  },
  {
    name: 'another mark under a mask, another table, a low priority number',
    changes: [
      markedInstead(`iptables-nft -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 -m multiport --sports 80,9000 -j MARK --set-xmark 0x10/0x10
iptables-nft -t mangle -A PREROUTING -p udp -s 172.16.0.0/28 --sport 5300 -j MARK --set-xmark 0x10/0x10
ip6tables-nft -t mangle -A PREROUTING -p tcp -s fd00:16::/64 --sport 80 -j MARK --set-xmark 0x10/0x10
ip rule del fwmark 1 lookup 100
ip rule add priority 50 fwmark 0x10/0x10 lookup 77
ip route add local default dev lo table 77
ip -6 rule del fwmark 1 lookup 100
ip -6 rule add priority 50 fwmark 0x10/0x10 lookup 77
ip -6 route add local default dev lo table 77`),
    ],
  },
  {
    name: 'marks in a chain of their own',
    changes: [
      markedInstead(`iptables-nft -t mangle -N DIVERT
iptables-nft -t mangle -A DIVERT -j MARK --set-mark 1
iptables-nft -t mangle -A DIVERT -j ACCEPT
iptables-nft -t mangle -A PREROUTING -i eth1 -p tcp --sport 80 -j DIVERT
iptables-nft -t mangle -A PREROUTING -i eth1 -p tcp --sport 9000 -j DIVERT
iptables-nft -t mangle -A PREROUTING -i eth1 -p udp --sport 5300 -j DIVERT
ip6tables-nft -t mangle -A PREROUTING -i eth1 -p tcp --sport 80 -j MARK --set-mark 1`),
    ],
  },
];

const rewrites: readonly Oddity[] = [
  { name: 'one rewrite rule for a prefix', changes: [rewriteInstead([rewriteRule('172.16.0.0/28')])] },
  { name: 'one rewrite rule for a set', changes: [rewriteInstead([rewriteRule('{ 172.16.0.11, 172.16.0.12-172.16.0.14 }')])] },
  {
    name: 'a rewrite by map',
    changes: [
      rewriteInstead([`udp sport 53 ip saddr set ip saddr map { ${upstreams.map((u) => `${u.address} : ${proxy.outer}`).join(', ')} }`]),
    ],
  },
  {
    name: 'DNS replies rewritten by the upstreams, past nginx',
    withGateway: true,
    changes: [...rewriteAtOrigin, ...repliesThroughGateway, onProxy('echo 0 > /proc/sys/net/ipv4/ip_forward')],
  },
  {
    name: 'DNS replies rewritten by another router',
    withGateway: true,
    changes: [
      onProxy('nft delete table ip dsr\necho 0 > /proc/sys/net/ipv4/ip_forward'),
      { host: 'gw', run: rewriteTable([rewriteRule('172.16.0.0/28')]) },
      ...repliesThroughGateway,
    ],
  },
];

const firewalls: readonly Oddity[] = [
  {
    name: 'a firewall on nginx that validates sources strictly, in both families',
    changes: [
      onProxy(`iptables-nft -t raw -A PREROUTING -m rpfilter --invert -j DROP
ip6tables-nft -t raw -A PREROUTING -m rpfilter --invert -j DROP
nft 'table inet strict { chain p { type filter hook prerouting priority -290; fib saddr . mark . iif oif eq 0 drop; }; }'`),
    ],
  },
  {
    name: 'a firewall on nginx that accepts services and marked replies',
    changes: [
      onProxy(`iptables-nft -A INPUT -i lo -j ACCEPT
iptables-nft -A INPUT -p icmp -j ACCEPT
iptables-nft -A INPUT -i eth0 -p tcp -m multiport --dports 80,9000 -j ACCEPT
iptables-nft -A INPUT -i eth0 -p udp -m multiport --dports 53,5300 -j ACCEPT
iptables-nft -A INPUT -m mark --mark 0x1 -j ACCEPT
iptables-nft -P INPUT DROP
iptables-nft -A FORWARD -i eth1 -s 172.16.0.0/28 -j ACCEPT
iptables-nft -P FORWARD DROP`),
    ],
  },
  {
    name: 'a firewall on an upstream that accepts the clients',
    changes: [
      {
        host: 'dev1',
        run: `iptables-nft -A INPUT -s 192.168.99.0/24 -p tcp -m multiport --dports 80,9000 -j ACCEPT
iptables-nft -A INPUT -s 192.168.99.0/24 -p udp -m multiport --dports 53,5300 -j ACCEPT
iptables-nft -P INPUT DROP`,
      },
    ],
  },
  {
    name: "masquerading of the upstreams' own traffic",
    changes: [onProxy('iptables-nft -t nat -A POSTROUTING -o eth0 -s 172.16.0.0/24 -j MASQUERADE')],
  },
];

const nginx: readonly Oddity[] = [
  { name: 'workers run as root', changes: [{ host: 'proxy', replace: [['user www-data;', 'user root;']] }] },
  {
    name: 'a master without root that was given its capabilities',
    changes: [nginxAsWorkerUser(ambient('net_raw', 'net_bind_service'))],
  },
  {
    name: 'a service that is not transparent beside the others',
    changes: [
      {
        host: 'proxy',
        replace: [
          [
            webServer,
            `    server {\n        listen 8080;\n        location / {\n            proxy_pass http://web;\n        }\n    }\n${webServer}`,
          ],
        ],
      },
    ],
  },
  {
    name: 'keepalive for a service that is not transparent',
    changes: [
      {
        host: 'proxy',
        replace: [
          [
            webServer,
            `    upstream plain {
        server 172.16.0.11:80;
        keepalive 8;
    }
    server {
        listen 8080;
        location / {
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass http://plain;
        }
    }
${webServer}`,
          ],
        ],
      },
    ],
  },
  {
    name: 'keepalive that HTTP/1.0 never uses',
    changes: [{ host: 'proxy', replace: [['upstream web {\n', 'upstream web {\n        keepalive 8;\n']] }],
  },
  {
    name: 'proxy_bind inherited from http, and off for a plain location',
    changes: [
      {
        host: 'proxy',
        replace: [
          [
            transparentPass,
            'proxy_pass http://web;\n        }\n        location /plain/ {\n            proxy_bind off;\n            proxy_pass http://web;',
          ],
          ['    proxy_read_timeout 2s;\n', '    proxy_read_timeout 2s;\n    proxy_bind $remote_addr transparent;\n'],
        ],
      },
    ],
  },
  { name: 'nginx started a second time', changes: [onProxy(`${stopNginx}\n${startNginx()}`)] },
];

export const articleOddities: readonly Oddity[] = [...routing, ...marks, ...rewrites, ...firewalls, ...nginx];
