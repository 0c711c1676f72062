import type { Change } from '../lab.js';
import { arm, armRewrite } from '../one-armed.js';
import { type Fault, fault, type Oddity, onTopology } from './scenario.js';

const on = (host: string, run: string): Change => ({ host, run });
const onProxy = (run: string): readonly Change[] => [on('proxy', run)];
const { router, proxy, marks } = arm;

const fourth = ['http', 'tcp', 'dns', 'udp5300'] as const;
const fourthByMark = ['http', 'tcp', 'udp5300'] as const;

/** Everything comes and goes through eth0, so what an interface tells apart elsewhere it does not here. */
export const oneArmedFaults: readonly Fault[] = onTopology('one-armed', [
  fault('proxy/mark-rule-missing', 'proxy', ['http'], onProxy(`iptables-nft -t mangle -D ${marks.http}`), 'one-armed'),
  fault(
    'proxy/mark-rule-missing',
    'proxy',
    fourthByMark,
    onProxy('iptables-nft -t mangle -F PREROUTING\necho 0 > /proc/sys/net/ipv4/tcp_early_demux'),
    'one-armed, early demux off: replies go back out of the interface they came in on',
  ),
  fault(
    'proxy/mark-rule-mismatch',
    'proxy',
    ['tcp'],
    onProxy(
      `iptables-nft -t mangle -D ${marks.tcp}
iptables-nft -t mangle -A PREROUTING -i eth1 -p tcp -s 172.20.0.8/29 --sport 9000 -j MARK --set-mark 1`,
    ),
    'an interface that a one-armed host has not',
  ),
  fault('proxy/policy-rule-missing', 'proxy', fourthByMark, onProxy('ip rule del fwmark 1 lookup 100'), 'one-armed'),
  fault('proxy/local-route-missing', 'proxy', ['http6'], onProxy('ip -6 route flush table 100'), 'one-armed, IPv6'),
  fault(
    'proxy/src-valid-mark',
    'proxy',
    fourthByMark,
    onProxy('for f in /proc/sys/net/ipv4/conf/*/src_valid_mark; do echo 1 > "$f"; done'),
    'one-armed',
  ),
  fault(
    'proxy/firewall-drops-reply',
    'proxy',
    fourthByMark,
    onProxy(`iptables-nft -A INPUT -i lo -j ACCEPT
iptables-nft -A INPUT -p icmp -j ACCEPT
iptables-nft -A INPUT -p tcp -m multiport --dports 80,9000 -j ACCEPT
iptables-nft -A INPUT -p udp -m multiport --dports 53,5300 -j ACCEPT
iptables-nft -P INPUT DROP`),
    'one-armed: only requests are admitted',
  ),
  fault(
    'proxy/masquerade-hides-client',
    'proxy',
    fourth,
    onProxy('iptables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE'),
    'one-armed: masquerading whatever leaves',
  ),
  fault(
    'upstream/reply-bypasses-proxy',
    'dev1',
    fourth,
    [on('dev1', `ip route replace default via ${router.inner}`)],
    'the router is on the same segment',
  ),
  fault(
    'upstream/reply-bypasses-proxy',
    'dev2',
    ['http6'],
    [on('dev2', `ip -6 route replace default via ${router.inner6}`)],
    'the router is on the same segment, IPv6',
  ),
  fault('upstream/no-route-to-client', 'dev2', fourth, [on('dev2', 'ip route del default')], 'one-armed'),
  fault(
    'upstream/client-on-connected-subnet',
    'dev1',
    fourth,
    [on('dev1', 'ip address add 10.99.0.13/24 dev eth0')],
    'one-armed: a forgotten address of the clients’ network',
  ),
  fault('dsr/forwarding-off', 'proxy', ['dns'], onProxy('echo 0 > /proc/sys/net/ipv4/ip_forward'), 'one-armed'),
  fault('dsr/reply-not-rewritten', 'proxy', ['dns'], onProxy('nft delete table ip dsr'), 'one-armed'),
  fault(
    'dsr/firewall-drops-reply',
    'proxy',
    ['dns'],
    onProxy('iptables-nft -A FORWARD -i eth0 -o eth0 -j DROP'),
    'in and out of one interface is refused',
  ),
  fault(
    'dsr/rewrite-wrong-address',
    'proxy',
    ['dns'],
    onProxy(`nft delete table ip dsr\n${armRewrite('ip saddr 172.20.0.11-172.20.0.12 udp sport 53', router.inner)}`),
    "the router's address",
  ),
  fault(
    'dsr/rewrite-misses-upstream',
    'proxy',
    ['dns'],
    onProxy(`nft delete table ip dsr\n${armRewrite('ip saddr 172.20.0.11 udp sport 53')}`),
    'one-armed',
  ),
]);

export const oneArmedOddities: readonly Oddity[] = onTopology('one-armed', [
  {
    name: 'one-armed: strict rp_filter on every host',
    changes: ['client', 'router', 'proxy', 'dev1', 'dev2'].map((host) =>
      on(host, 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 1 > "$f"; done'),
    ),
  },
  {
    name: 'one-armed: redirects are sent, and upstreams take none',
    changes: [
      on('proxy', 'for f in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 1 > "$f"; done'),
      ...['dev1', 'dev2'].map((host) => on(host, 'for f in /proc/sys/net/ipv4/conf/*/accept_redirects; do echo 0 > "$f"; done')),
    ],
  },
  {
    name: "one-armed: upstreams go out by the router, and a rule sends the services' replies to nginx",
    changes: arm.upstreams.map(({ name, address }) =>
      on(
        name,
        `ip route replace default via ${router.inner}
         ip rule add from ${address} lookup 10
         ip route add default via ${proxy.address} table 10`,
      ),
    ),
  },
  {
    name: 'one-armed: a route to the clients beside another gateway',
    changes: arm.upstreams.map(({ name }) =>
      on(
        name,
        `ip route replace default via ${router.inner}
         ip route add 10.99.0.0/24 via ${proxy.address}`,
      ),
    ),
  },
  {
    name: 'one-armed: masquerading only what upstreams ask of others',
    changes: onProxy('iptables-nft -t nat -A POSTROUTING -s 172.20.0.8/29 ! -d 10.99.0.0/24 -j MASQUERADE'),
  },
  {
    name: 'one-armed: marks set on whatever comes from the upstreams but DNS',
    changes: onProxy(
      `iptables-nft -t mangle -F PREROUTING
iptables-nft -t mangle -A PREROUTING -s 172.20.0.8/29 -p udp ! --sport 53 -j MARK --set-mark 1
iptables-nft -t mangle -A PREROUTING -s 172.20.0.8/29 -p tcp -j MARK --set-mark 1`,
    ),
  },
]);
