import { markArguments, proxy } from '../article.js';
import type { Change } from '../lab.js';
import { type Fault, fault } from './scenario.js';

const on = (host: string, run: string): Change => ({ host, run });
const onProxy = (run: string): readonly Change[] => [{ host: 'proxy', run }];

const unmark = (service: 'http' | 'tcp' | 'udp5300'): string => `iptables-nft -t mangle -D ${markArguments[service]}`;
const mark = (rule: string): string => `iptables-nft -t mangle -A ${rule} -j MARK --set-xmark 0x1/0xffffffff`;

/** The rule for http replaced by one that misses. */
const mistaken = (rule: string): readonly Change[] => onProxy(`${unmark('http')}\n${mark(rule)}`);

const missing = 'proxy/mark-rule-missing';
const mismatch = 'proxy/mark-rule-mismatch';
const fourth = ['http', 'tcp', 'dns', 'udp5300'] as const;
const fourthByMark = ['http', 'tcp', 'udp5300'] as const;

export const proxyFaults: readonly Fault[] = [
  fault(missing, 'proxy', ['http'], onProxy(unmark('http')), 'http'),
  fault(missing, 'proxy', ['udp5300'], onProxy(unmark('udp5300')), 'UDP'),
  fault(missing, 'proxy', ['http6'], onProxy(`ip6tables-nft -t mangle -D ${markArguments.http6}`), 'IPv6'),
  fault(missing, 'proxy', fourthByMark, onProxy('iptables-nft -t mangle -F PREROUTING'), 'no rule at all'),
  fault(
    missing,
    'proxy',
    fourthByMark,
    onProxy('iptables-nft -t mangle -F PREROUTING\necho 0 > /proc/sys/net/ipv4/tcp_early_demux'),
    'early demux off: replies reach the client',
  ),

  fault(mismatch, 'proxy', ['http'], mistaken('PREROUTING -p tcp -s 172.16.0.0/28 --sport 8080'), 'port'),
  fault(mismatch, 'proxy', ['http'], mistaken('PREROUTING -p tcp -s 172.16.1.0/28 --sport 80'), 'subnet'),
  fault(mismatch, 'proxy', ['http'], mistaken('PREROUTING -p tcp -s 172.16.0.12/31 --sport 80'), 'subnet too small'),
  fault(mismatch, 'proxy', ['http'], mistaken('PREROUTING -p udp -s 172.16.0.0/28 --sport 80'), 'protocol'),
  fault(mismatch, 'proxy', ['http'], mistaken('PREROUTING -i eth0 -p tcp -s 172.16.0.0/28 --sport 80'), 'interface'),
  fault(mismatch, 'proxy', ['http'], mistaken('INPUT -p tcp -s 172.16.0.0/28 --sport 80'), 'chain'),
  fault(mismatch, 'proxy', ['http'], mistaken('PREROUTING -p tcp -s 172.16.0.0/28 --dport 80'), 'direction'),
  fault(
    mismatch,
    'proxy',
    ['http'],
    onProxy('iptables-nft -t mangle -I PREROUTING -p tcp -s 172.16.0.0/24 --sport 80 -j ACCEPT'),
    'order: accepted before it is marked',
  ),

  fault('proxy/policy-rule-missing', 'proxy', fourthByMark, onProxy('ip rule del fwmark 1 lookup 100')),
  fault('proxy/policy-rule-missing', 'proxy', ['http6'], onProxy('ip -6 rule del fwmark 1 lookup 100'), 'IPv6'),
  fault('proxy/local-route-missing', 'proxy', fourthByMark, onProxy('ip route flush table 100')),
  fault('proxy/local-route-missing', 'proxy', ['http6'], onProxy('ip -6 route flush table 100'), 'IPv6'),
  fault(
    'proxy/local-route-not-local',
    'proxy',
    fourthByMark,
    onProxy('ip route flush table 100\nip route add default dev lo table 100'),
    'type unicast',
  ),
  fault(
    'proxy/local-route-not-local',
    'proxy',
    fourthByMark,
    onProxy('ip route flush table 100\nip route add local 10.0.0.0/8 dev lo table 100'),
    'covers too little',
  ),
  fault(
    'proxy/local-route-not-local',
    'proxy',
    fourthByMark,
    onProxy('ip route flush table 100\nip route add blackhole default table 100'),
    'type blackhole',
  ),
  {
    ...fault(
      'proxy/src-valid-mark',
      'proxy',
      fourthByMark,
      onProxy('for f in /proc/sys/net/ipv4/conf/*/src_valid_mark; do echo 1 > "$f"; done'),
    ),
    cure: onProxy('echo 1 > /proc/sys/net/ipv4/conf/eth1/accept_local'),
  },

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
  fault(
    'proxy/firewall-drops-reply',
    'proxy',
    ['udp5300'],
    onProxy(
      `nft 'table netdev early { chain in { type filter hook ingress device eth1 priority 0; ip saddr 172.16.0.14 udp sport 5300 drop; }; }'`,
    ),
    'at the link, before all other rules',
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

  fault(
    'proxy/tproxy-instead-of-mark',
    'proxy',
    ['http'],
    onProxy(`iptables-nft -t mangle -D PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff
iptables-nft -t mangle -A PREROUTING -i eth0 -p tcp --dport 80 -j TPROXY --on-port 80 --tproxy-mark 0x1/0x1`),
  ),
  fault('proxy/route-to-upstream-wrong', 'proxy', fourth, onProxy('ip route add unreachable 172.16.0.13/32')),
  fault(
    'proxy/upstream-on-this-host',
    'proxy',
    ['http'],
    [
      {
        host: 'proxy',
        replace: [
          ['server 172.16.0.11:80 ', 'server 172.16.0.1:8081 '],
          [
            '    server {\n        listen 80;\n',
            `    server {\n        listen 172.16.0.1:8081;\n        location / {\n            return 200 "dev1 $remote_addr\\n";\n        }\n    }\n    server {\n        listen 80;\n`,
          ],
        ],
      },
    ],
  ),
];
