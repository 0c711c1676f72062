import { proxy, upstreams } from '../article.js';
import type { Change } from '../lab.js';
import { rewriteAtOrigin, rewriteInstead } from './dsr.js';
import { type Fault, fault } from './scenario.js';

const on = (host: string, run: string): Change => ({ host, run });
const onProxy = (run: string): readonly Change[] => [on('proxy', run)];

/** One setting of one service of the proxy. */
const configured = (from: string, to: string): readonly Change[] => [{ host: 'proxy', replace: [[from, to]] }];

const fourth = ['http', 'tcp', 'dns', 'udp5300'] as const;
const fourthByMark = ['http', 'tcp', 'udp5300'] as const;

const nginx: readonly Fault[] = [
  fault(
    'nginx/address-family-mismatch',
    'proxy',
    ['http6'],
    [{ host: 'proxy', replace: upstreams.map((u) => [`server [${u.address6}]:80`, `server ${u.address}:80`]) }],
  ),
  fault('nginx/literal-port-in-bind', 'proxy', ['dns'], configured('$remote_addr:$remote_port', '$remote_addr:53')),
  fault('nginx/dsr-without-client-port', 'proxy', ['dns'], configured('$remote_addr:$remote_port', '$remote_addr')),
  fault('nginx/responses-zero-but-replies-return', 'proxy', ['udp5300'], configured('proxy_responses 1;', 'proxy_responses 0;')),
];

const proxyHost: readonly Fault[] = [
  fault(
    'proxy/tproxy-instead-of-mark',
    'proxy',
    ['http'],
    onProxy(`iptables-nft -t mangle -D PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff
iptables-nft -t mangle -A PREROUTING -i eth0 -p tcp --dport 80 -j TPROXY --on-port 80 --tproxy-mark 0x1/0x1`),
  ),
  fault(
    'proxy/policy-rule-mark-mismatch',
    'proxy',
    fourthByMark,
    onProxy('ip rule del fwmark 1 lookup 100\nip rule add fwmark 2 lookup 100'),
  ),
  fault(
    'proxy/policy-rule-shadowed',
    'proxy',
    fourthByMark,
    onProxy('ip rule del fwmark 1 lookup 100\nip rule add priority 40000 fwmark 1 lookup 100'),
  ),
  {
    // dev2 is asked through eth2 and answers to the address on eth1, as its gateway is there.
    ...fault('proxy/rp-filter-drops-reply', 'proxy', fourth, [
      on('switch', 'ip link add proxy-2 up master inner type veth peer name eth2 netns "$LAB-proxy"'),
      on(
        'proxy',
        `echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore
         ip link set eth2 up
         ip route add 172.16.0.12/32 dev eth2 src ${proxy.inner}
         echo 1 > /proc/sys/net/ipv4/conf/eth1/rp_filter`,
      ),
    ]),
    cure: onProxy('echo 2 > /proc/sys/net/ipv4/conf/eth1/rp_filter'),
  },
  fault(
    'proxy/firewall-drops-reply',
    'proxy',
    fourthByMark,
    onProxy(`iptables-nft -A INPUT -i eth0 -j ACCEPT
iptables-nft -A INPUT -i lo -j ACCEPT
iptables-nft -P INPUT DROP`),
  ),
  fault('proxy/firewall-drops-client', 'proxy', ['http'], onProxy('iptables-nft -A INPUT -i eth0 -p tcp --dport 80 -j DROP')),
  // DNS replies are not tracked, so nothing gives them the client's address back.
  fault('proxy/masquerade-hides-client', 'proxy', fourth, onProxy('iptables-nft -t nat -A POSTROUTING -o eth1 -j MASQUERADE')),
  fault(
    'proxy/mark-rule-steals-dsr-replies',
    'proxy',
    ['dns'],
    onProxy('iptables-nft -t mangle -A PREROUTING -p udp -s 172.16.0.0/28 --sport 53 -j MARK --set-mark 1'),
  ),
  fault('proxy/route-to-upstream-wrong', 'proxy', fourth, onProxy('ip route add unreachable 172.16.0.13/32')),
];

const upstreamHosts: readonly Fault[] = [
  fault(
    'upstream/firewall-drops-request',
    'dev1',
    fourth,
    [on('dev1', `iptables-nft -A INPUT -s ${proxy.inner} -j ACCEPT\niptables-nft -A INPUT -i eth0 -s 0.0.0.0/0 -j DROP`)],
    'dropped',
  ),
  fault('upstream/firewall-drops-request', 'dev1', fourth, [on('dev1', 'iptables-nft -A INPUT -s 192.168.99.0/24 -j REJECT')], 'rejected'),
  fault('upstream/unreachable', 'dev4', ['http', 'http6', 'tcp', 'dns', 'udp5300'], [on('dev4', 'ip link set eth0 down')]),
];

const dsr: readonly Fault[] = [
  fault(
    'dsr/rewrite-wrong-address',
    'proxy',
    ['dns'],
    [rewriteInstead(['ip saddr 172.16.0.0/28 udp sport 53 ip saddr set 192.168.99.11'])],
  ),
  fault(
    'dsr/rewrite-wrong-port',
    'proxy',
    ['dns'],
    [rewriteInstead([`ip saddr 172.16.0.0/28 udp sport 5353 ip saddr set ${proxy.outer}`])],
  ),
  fault(
    'dsr/rewrite-on-wrong-interface',
    'proxy',
    ['dns'],
    [rewriteInstead([`oifname "eth1" ip saddr 172.16.0.0/28 udp sport 53 ip saddr set ${proxy.outer}`])],
  ),
  fault(
    'dsr/stateful-snat',
    'proxy',
    ['dns'],
    onProxy(`nft delete table ip dsr
iptables-nft -t nat -A POSTROUTING -o eth0 -p udp -s 172.16.0.0/28 --sport 53 -j SNAT --to-source ${proxy.outer}`),
  ),
  // Its own address as a source is martian to nginx's host.
  fault('dsr/origin-nat-through-proxy', 'proxy', ['dns'], rewriteAtOrigin),
  fault('dsr/firewall-drops-reply', 'proxy', ['dns'], onProxy('iptables-nft -P FORWARD DROP')),
];

/** Frames between hosts that the segment does not carry, as cloud networks do it. */
const segmentDrops = (match: string): readonly Change[] => [
  on(
    'switch',
    `nft 'add table bridge platform; add chain bridge platform forward { type filter hook forward priority 0; }; add rule bridge platform forward ${match} drop'`,
  ),
];

const network: readonly Fault[] = [
  fault('network/spoofed-source-dropped', 'proxy', fourth, segmentDrops('iifname "proxy-1" ip saddr 192.168.99.0/24')),
  fault('network/reply-lost-between-hosts', 'dev2', fourth, segmentDrops('iifname "dev2-0" ip daddr 192.168.99.0/24')),
];

/** Causes beside the common ones. Who does not know them may say that something is undetermined, and must not blame anything else. */
export const furtherFaults: readonly Fault[] = [...nginx, ...proxyHost, ...upstreamHosts, ...dsr, ...network];
