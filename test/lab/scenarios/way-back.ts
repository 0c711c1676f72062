import type { Change } from '../lab.js';
import { originRewrite, originRule, way } from '../way-back.js';
import { type Fault, fault, type Oddity, onTopology } from './scenario.js';

const on = (host: string, run: string): Change => ({ host, run });
const onProxy = (run: string): readonly Change[] => [on('proxy', run)];
const { router, back, marks } = way;

const fourthByMark = ['http', 'tcp', 'udp5300'] as const;

const everywhere = (sysctl: string, value: number): string => `for f in /proc/sys/net/ipv4/conf/*/${sysctl}; do echo ${value} > "$f"; done`;

/** An upstream's own rewrite replaced. */
const rewritten = (host: string, match: string, to?: string): readonly Change[] => [
  on(host, `nft delete table ip dsr\n${originRewrite(match, to)}`),
];

export const wayBackFaults: readonly Fault[] = onTopology('way-back', [
  fault('proxy/mark-rule-missing', 'proxy', ['tcp'], onProxy(`iptables-nft -t mangle -D ${marks.tcp}`), 'behind a router, TCP'),
  fault('proxy/policy-rule-missing', 'proxy', ['http6'], onProxy('ip -6 rule del fwmark 1 lookup 100'), 'behind a router, IPv6'),
  fault('proxy/local-route-missing', 'proxy', fourthByMark, onProxy('ip route flush table 100'), 'behind a router'),
  fault(
    'proxy/policy-rule-shadowed',
    'proxy',
    fourthByMark,
    onProxy('ip rule add priority 10 from 172.30.0.0/24 lookup main'),
    'an earlier rule for the upstreams',
  ),
  fault(
    'proxy/mark-rule-mismatch',
    'proxy',
    ['udp5300'],
    onProxy(`iptables-nft -t mangle -D ${marks.udp5300}
iptables-nft -t mangle -A PREROUTING -p udp -s 10.40.0.0/24 --sport 5300 -j MARK --set-mark 1`),
    "the upstreams' other network",
  ),
  fault(
    'upstream/reply-bypasses-proxy',
    'dev1',
    fourthByMark,
    [on('dev1', `ip route replace default via ${back.inner}`)],
    'all replies take the way back of DNS',
  ),
  fault(
    'upstream/rp-filter-drops-request',
    'dev1',
    ['dns'],
    [on('dev1', 'echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter')],
    'DNS goes back another way than it comes',
  ),
  fault('upstream/no-route-to-client', 'dev2', fourthByMark, [on('dev2', 'ip route del default')], 'only DNS has a way back'),
  fault(
    'upstream/client-on-connected-subnet',
    'dev1',
    fourthByMark,
    [on('dev1', 'ip address add 10.99.0.13/24 dev eth1')],
    'on the card of the way back',
  ),
  fault('dsr/forwarding-off', 'back', ['dns'], [on('back', 'echo 0 > /proc/sys/net/ipv4/ip_forward')], 'on the way back'),
  fault('dsr/firewall-drops-reply', 'back', ['dns'], [on('back', 'iptables-nft -P FORWARD DROP')], 'on the way back'),
  fault(
    'proxy/rp-filter-drops-reply',
    'back',
    ['dns'],
    [on('back', 'echo 1 > /proc/sys/net/ipv4/conf/eth1/rp_filter')],
    "on the way back nginx's address comes from the wrong side",
  ),
  fault('dsr/reply-not-rewritten', 'dev1', ['dns'], [on('dev1', 'nft delete table ip dsr')], 'one origin'),
  fault(
    'dsr/rewrite-wrong-address',
    'dev2',
    ['dns'],
    rewritten('dev2', originRule('172.30.0.12'), router.inner),
    "the router's address, at the origin",
  ),
  fault('dsr/rewrite-wrong-port', 'dev1', ['dns'], rewritten('dev1', 'ip saddr 172.30.0.11 udp sport 5353'), 'at the origin'),
  fault(
    'dsr/rewrite-on-wrong-interface',
    'dev1',
    ['dns'],
    rewritten('dev1', `oifname "eth0" ${originRule('172.30.0.11')}`),
    'the card towards nginx',
  ),
  fault(
    'dsr/origin-nat-through-proxy',
    'proxy',
    ['dns'],
    [
      on('proxy', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/udp_early_demux'),
      on('dev1', 'ip rule del ipproto udp sport 53 lookup 53'),
    ],
    'one upstream has lost its other way back',
  ),
]);

export const wayBackOddities: readonly Oddity[] = onTopology('way-back', [
  {
    name: 'way back: loose rp_filter on every host',
    changes: ['client', 'router', 'back', 'proxy', 'dev1', 'dev2'].map((host) => on(host, everywhere('rp_filter', 2))),
  },
  {
    name: 'way back: strict rp_filter where nothing is asymmetric',
    changes: ['router', 'proxy', 'client'].map((host) => on(host, everywhere('rp_filter', 1))),
  },
  {
    name: 'way back: nginx forwards, too, and sends no redirects',
    changes: onProxy(`echo 1 > /proc/sys/net/ipv4/ip_forward\n${everywhere('send_redirects', 0)}`),
  },
  {
    name: 'way back: the rewrite matches no port',
    changes: way.upstreams.flatMap(({ name, address }) => [
      on(
        name,
        `nft delete table ip dsr
         nft 'add table ip dsr; add chain ip dsr rewrite { type filter hook postrouting priority srcnat; }; add rule ip dsr rewrite oifname "eth1" ip saddr ${address} notrack ip saddr set ${way.proxy.outer}' 2>/dev/null ||
         nft 'add table ip dsr; add chain ip dsr rewrite { type filter hook postrouting priority srcnat; }; add rule ip dsr rewrite oifname "eth1" ip saddr ${address} ip saddr set ${way.proxy.outer}'`,
      ),
    ]),
  },
  {
    name: 'way back: replies find it by their own table of all of UDP from port 53, in a firewall mark',
    changes: way.upstreams.flatMap(({ name }) => [
      on(
        name,
        `ip rule del ipproto udp sport 53 lookup 53
         iptables-nft -t mangle -A OUTPUT -p udp --sport 53 -j MARK --set-mark 53
         ip rule add fwmark 53 lookup 53`,
      ),
    ]),
  },
  {
    name: 'way back: the other router admits DNS replies alone',
    changes: [on('back', 'iptables-nft -A FORWARD -i eth1 -p udp --sport 53 -j ACCEPT\niptables-nft -P FORWARD DROP')],
  },
  {
    name: 'way back: upstreams know nothing but the way to the clients',
    changes: way.upstreams.map(({ name }) =>
      on(
        name,
        `ip route del default\nip route add 10.99.0.0/24 via ${way.proxy.inner}\nip route del default table 53\nip route add 10.99.0.0/24 via ${back.inner} table 53`,
      ),
    ),
  },
]);
