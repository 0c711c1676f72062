import { gateway, proxy, rewriteRule, upstreams } from '../article.js';
import type { Change } from '../lab.js';
import { rewriteTable } from '../parts.js';
import { answersAtOnce, nginxOnFirstProcessor, startDnsmasq } from '../services.js';
import { type Fault, fault, type Risk, risk } from './scenario.js';

const onProxy = (run: string): readonly Change[] => [{ host: 'proxy', run }];

/** The lab's rewrite replaced by these rules. */
export const rewriteInstead = (rules: readonly string[]): Change => ({
  host: 'proxy',
  run: `nft delete table ip dsr\n${rewriteTable(rules)}`,
});

/** Each upstream rewrites its own replies, and nginx's host none. */
export const rewriteAtOrigin: readonly Change[] = [
  ...onProxy('nft delete table ip dsr'),
  ...upstreams.map((u): Change => ({ host: u.name, run: rewriteTable([rewriteRule(u.address)]) })),
];

/** DNS replies, and nothing else, leave by the gateway instead of nginx's host. */
export const repliesThroughGateway: readonly Change[] = upstreams.map(({ name }) => ({
  host: name,
  run: `ip rule add ipproto udp sport 53 lookup 53\nip route add default via ${gateway.inner} table 53`,
}));

export const dsrFaults: readonly Fault[] = [
  fault('dsr/reply-not-rewritten', 'proxy', ['dns'], onProxy('nft delete table ip dsr')),
  fault('dsr/rewrite-misses-upstream', 'proxy', ['dns'], [rewriteInstead(upstreams.slice(0, 3).map((u) => rewriteRule(u.address)))]),
  fault('dsr/forwarding-off', 'proxy', ['dns'], onProxy('echo 0 > /proc/sys/net/ipv4/ip_forward')),
  fault('dsr/firewall-drops-reply', 'proxy', ['dns'], onProxy('iptables-nft -P FORWARD DROP')),
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
  fault('dsr/rewrite-twice', 'dev2', ['dns'], [{ host: 'dev2', run: rewriteTable([rewriteRule('172.16.0.12')]) }]),
  fault(
    'dsr/port-differs',
    'proxy',
    ['dns'],
    [
      ...upstreams.map((u): Change => ({ host: u.name, run: startDnsmasq(u.address, 5353, u.answer) })),
      rewriteInstead([`ip saddr 172.16.0.0/28 udp sport 5353 ip saddr set ${proxy.outer}`]),
      { host: 'proxy', replace: upstreams.map((u) => [`server ${u.address}:53 `, `server ${u.address}:5353 `]) },
    ],
  ),
];

export const dsrRisks: readonly Risk[] = [
  // Whether a reply comes before nginx has closed its socket is chance; of two upstreams it always does.
  risk(
    'dsr/replies-caught-by-early-demux',
    'proxy',
    [
      ...onProxy(`echo 1 > /proc/sys/net/ipv4/udp_early_demux\n${nginxOnFirstProcessor}`),
      ...upstreams.slice(0, 2).map(({ name }): Change => ({ host: name, run: answersAtOnce(53) })),
    ],
    ['dns'],
  ),
  {
    ...risk(
      'dsr/stateful-snat',
      'gw',
      [
        ...onProxy('nft delete table ip dsr'),
        ...repliesThroughGateway,
        {
          host: 'gw',
          run: `iptables-nft -t nat -A POSTROUTING -o eth0 -p udp -s 172.16.0.0/28 --sport 53 -j SNAT --to-source ${proxy.outer}`,
        },
      ],
      [],
      'on a router of its own',
    ),
    withGateway: true,
  },
];
