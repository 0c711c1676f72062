import { pair, pairRewrite } from '../ha-pair.js';
import type { Change } from '../lab.js';
import { startNginx, stopNginx } from '../services.js';
import { type Fault, fault, type Oddity, onTopology } from './scenario.js';

const on = (host: string, run: string): Change => ({ host, run });
const { a, b, floating, marks } = pair;

const all = ['http', 'http6', 'tcp', 'dns', 'udp5300'] as const;
const fourth = ['http', 'tcp', 'dns', 'udp5300'] as const;
const fourthByMark = ['http', 'tcp', 'udp5300'] as const;

/** These services of the first or the second nginx. */
const of = (which: 'a' | 'b', services: readonly string[]): string[] => services.map((service) => `${service}-${which}`);

/** The floating address moved to the first nginx, as it is after a failover. */
const failover: readonly Change[] = [
  on(b.name, `ip address del ${floating.address}/24 dev eth1\nip address del ${floating.address6}/64 dev eth1`),
  on(a.name, `ip address add ${floating.address}/24 dev eth1\nip address add ${floating.address6}/64 dev eth1`),
  ...['dev1', 'dev2'].map((host) => on(host, 'ip neigh flush all')),
];

export const haPairFaults: readonly Fault[] = onTopology('ha-pair', [
  fault(
    'upstream/reply-bypasses-proxy',
    'dev1',
    of('a', fourth),
    [on('dev1', 'ip rule del from 172.16.0.11 lookup 2')],
    'the other nginx holds the gateway address',
  ),
  fault(
    'upstream/reply-bypasses-proxy',
    'dev2',
    of('a', ['http6']),
    [on('dev2', 'ip -6 rule del from fd00:16::12 lookup 2')],
    'the other nginx holds the gateway address, IPv6',
  ),
  fault(
    'upstream/reply-bypasses-proxy',
    'dev1',
    of('b', fourth),
    [...failover, on('dev1', 'ip rule del from 172.16.0.21 lookup 3')],
    'after a failover of the gateway address',
  ),
  fault('upstream/no-route-to-client', 'dev2', of('b', fourth), [on('dev2', 'ip route replace unreachable default table 3')], 'of a pair'),
  fault(
    'proxy/mark-rule-missing',
    b.name,
    of('b', ['http']),
    [on(b.name, `iptables-nft -t mangle -D ${marks.b.http}`)],
    'on one of a pair',
  ),
  fault(
    'proxy/mark-rule-mismatch',
    b.name,
    of('b', ['tcp']),
    [on(b.name, `iptables-nft -t mangle -D ${marks.b.tcp}\niptables-nft -t mangle -A ${marks.a.tcp}`)],
    'copied from the other of a pair',
  ),
  fault('proxy/policy-rule-missing', a.name, of('a', fourthByMark), [on(a.name, 'ip rule del fwmark 1 lookup 100')], 'on one of a pair'),
  fault('proxy/local-route-missing', b.name, of('b', ['http6']), [on(b.name, 'ip -6 route flush table 100')], 'on one of a pair, IPv6'),
  fault(
    'proxy/policy-rule-mark-mismatch',
    a.name,
    of('a', ['http6']),
    [on(a.name, 'ip -6 rule del fwmark 1 lookup 100\nip -6 rule add fwmark 2 lookup 100')],
    'on one of a pair, IPv6',
  ),
  fault('dsr/forwarding-off', b.name, of('b', ['dns']), [on(b.name, 'echo 0 > /proc/sys/net/ipv4/ip_forward')], 'on one of a pair'),
  fault('dsr/reply-not-rewritten', a.name, of('a', ['dns']), [on(a.name, 'nft delete table ip dsr')], 'on one of a pair'),
  fault(
    'dsr/rewrite-wrong-address',
    b.name,
    of('b', ['dns']),
    [on(b.name, `nft delete table ip dsr\n${pairRewrite('b', a.outer)}`)],
    'that of the other of a pair',
  ),
  fault(
    'nginx/transparent-keyword-missing',
    b.name,
    of('b', ['tcp']),
    [
      {
        host: b.name,
        replace: [['listen 9000;\n        proxy_bind $remote_addr transparent;', 'listen 9000;\n        proxy_bind $remote_addr;']],
      },
    ],
    'on one of a pair, TCP',
  ),
  fault(
    'worker/cannot-spoof',
    a.name,
    of('a', all),
    [
      on(
        a.name,
        `${stopNginx}
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
chown -R www-data:www-data .
${startNginx('setpriv --reuid=www-data --regid=www-data --clear-groups')}`,
      ),
    ],
    'on one of a pair',
  ),
  {
    ...fault(
      'upstream/not-listening',
      'dev2',
      of('b', ['http']),
      [{ host: 'dev2', replace: [['listen 80;', 'listen 172.16.0.12:80;']] }],
      'on the address of one of a pair',
    ),
    leftOut: 'dev2',
  },
  fault(
    'upstream/firewall-drops-request',
    'dev1',
    of('b', ['tcp']),
    [on('dev1', 'iptables-nft -A INPUT -d 172.16.0.21 -p tcp --dport 9000 -j DROP')],
    'of one of a pair',
  ),
]);

export const haPairOddities: readonly Oddity[] = onTopology('ha-pair', [
  { name: 'pair: the gateway address has failed over', changes: failover },
  {
    name: 'pair: upstreams need no rule for the nginx that holds the gateway address',
    changes: [1, 2].map((n) => on(`dev${n}`, `ip rule del from 172.16.0.2${n} lookup 3\nip -6 rule del from fd00:16::2${n} lookup 3`)),
  },
  {
    name: 'pair: no gateway address at all, each way back has its own rule',
    changes: [
      on(b.name, `ip address del ${floating.address}/24 dev eth1\nip address del ${floating.address6}/64 dev eth1`),
      ...['dev1', 'dev2'].map((host) => on(host, 'ip route del default\nip -6 route del default')),
    ],
  },
  {
    name: 'pair: rules by destination network instead of a default route in each table',
    changes: [1, 2].map((n) =>
      on(
        `dev${n}`,
        `ip route del default table 2
         ip route add 192.168.99.0/24 via ${a.inner} table 2`,
      ),
    ),
  },
  {
    name: 'pair: strict rp_filter on both',
    changes: [a.name, b.name].map((host) => on(host, 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 1 > "$f"; done')),
  },
  {
    name: 'pair: each marks what either may ask for',
    changes: [
      on(a.name, `iptables-nft -t mangle -A ${marks.b.http}\niptables-nft -t mangle -A ${marks.b.tcp}`),
      on(b.name, `iptables-nft -t mangle -A ${marks.a.http}\niptables-nft -t mangle -A ${marks.a.tcp}`),
    ],
  },
  {
    name: 'pair: the second nginx has workers as root',
    changes: [{ host: b.name, replace: [['user www-data;', 'user root;']] }],
  },
]);
