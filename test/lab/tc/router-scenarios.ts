import { batch, filter, filters, rootQdisc } from './methods.js';
import { fault as faultOf, healthy as healthyOf, type TcScenario } from './scenario.js';
import { ports, upstreams, vip } from './topology.js';

const fault = faultOf.bind(undefined, 'router NAT');
const healthy = healthyOf.bind(undefined, 'router NAT');

const onProxy = (run: string) => [{ host: 'proxy', run }];
const removed = 'tc qdisc del dev eth0 root';

/** Other filters, on other queueing disciplines, in the place of the article's. */
const instead = (qdiscs: string, lines: readonly string[]) => onProxy(`${removed}\n${qdiscs}\n${batch(lines)}`);
const inPlace = (lines: readonly string[]) => instead(rootQdisc(), lines);

const addresses = upstreams.map(({ address }) => address);
const each = (line: (address: string, port: number) => string): string[] => addresses.flatMap((a) => ports.map((port) => line(a, port)));
const right = (port: number): string[] => addresses.map((address) => filter(address, port));

const match = (address: string, port: number): string => `match ip src ${address} match ip sport ${port} 0xffff`;
const nat = (address: string): string => `action nat egress ${address} ${vip}`;
const clsact = 'tc qdisc add dev eth0 clsact';
const root = 'filter add dev eth0 parent 10: protocol ip';

export const routerHealthy: readonly TcScenario[] = [
  healthy('as the article has it', []),
  healthy(
    'on the egress side of clsact',
    instead(
      clsact,
      each((a, p) => `filter add dev eth0 egress protocol ip prio 1 u32 ${match(a, p)} ${nat(a)}`),
    ),
  ),
  healthy('flower', inPlace(each((a, p) => `${root} prio 10 flower ip_proto udp src_ip ${a} src_port ${p} ${nat(a)}`))),
  healthy(
    'a priority for each upstream, behind filters for other packets',
    inPlace([
      `${root} prio 1 u32 match ip protocol 6 0xff action ok`,
      `${root} prio 2 u32 match ip dst 203.0.113.0/24 action drop`,
      ...addresses.flatMap((a, i) => ports.map((p) => `${root} prio ${10 + i} u32 ${match(a, p)} ${nat(a)}`)),
    ]),
  ),
  healthy('no port is matched', inPlace(addresses.map((a) => `${root} prio 10 u32 match ip src ${a} match ip protocol 17 0xff ${nat(a)}`))),
  healthy(
    'pedit and csum',
    inPlace(each((a, p) => `${root} prio 10 u32 ${match(a, p)} action pedit ex munge ip src set ${vip} pipe action csum ip4h and udp`)),
  ),
  healthy(
    'another root, and the action hands on',
    instead(
      'tc qdisc add dev eth0 root handle 1: prio',
      each((a, p) => `filter add dev eth0 parent 1: protocol ip prio 5 u32 ${match(a, p)} ${nat(a)} pipe action ok`),
    ),
  ),
  healthy('loose rp_filter', onProxy('for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 2 > "$f"; done')),
];

export const routerFaults: readonly TcScenario[] = [
  fault('dsr/reply-not-rewritten', 'no queueing discipline', 'proxy', onProxy(removed)),
  fault('dsr/reply-not-rewritten', 'no filter', 'proxy', inPlace([])),
  fault('dsr/rewrite-misses-upstream', 'one upstream, on one port', 'proxy', inPlace([...right(53), ...right(5353).slice(1)]), ['dns5353']),
  fault(
    'dsr/rewrite-wrong-address',
    'another address than the one asked',
    'proxy',
    inPlace([...addresses.map((a) => filter(a, 53, { to: '192.168.99.11' })), ...right(5353)]),
    ['dns53'],
  ),
  fault(
    'dsr/rewrite-wrong-address',
    'a prefix keeps the host bits',
    'proxy',
    inPlace(ports.map((p) => `${root} prio 10 u32 ${match('172.16.0.0/28', p)} action nat egress 172.16.0.0/28 ${vip}`)),
  ),
  fault(
    'dsr/rewrite-wrong-address',
    "the action names another upstream's address",
    'proxy',
    inPlace([...filters(addresses.slice(1)), ...ports.map((p) => `${root} prio 10 u32 ${match('172.16.0.11', p)} ${nat('172.16.0.12')}`)]),
  ),
  fault('dsr/rewrite-wrong-port', 'another port', 'proxy', inPlace([...addresses.map((a) => filter(a, 5300)), ...right(5353)]), ['dns53']),
  fault('dsr/rewrite-wrong-port', 'TCP', 'proxy', inPlace(each((a, p) => filter(a, p, { more: ' match ip protocol 6 0xff' })))),
  fault(
    'dsr/rewrite-on-wrong-interface',
    'the link to the upstreams',
    'proxy',
    onProxy(`${removed}\n${rootQdisc('eth1')}\n${batch(filters(addresses, 'eth1'))}`),
  ),
  fault(
    'dsr/rewrite-on-wrong-interface',
    'the way in',
    'proxy',
    instead(
      clsact,
      each((a, p) => `filter add dev eth0 ingress protocol ip prio 1 u32 ${match(a, p)} ${nat(a)}`),
    ),
  ),
  fault(
    'dsr/rewrite-on-wrong-interface',
    'the action turns the destination',
    'proxy',
    inPlace(each((a, p) => `${root} prio 10 u32 ${match(a, p)} action nat ingress ${a} ${vip}`)),
  ),
  fault('dsr/rewrite-twice', 'an upstream rewrites, too', 'dev2', [
    { host: 'dev2', run: `${rootQdisc()}\n${batch(filters(['172.16.0.12']))}` },
  ]),
  fault(
    'dsr/stateful-snat',
    'in place of tc',
    'proxy',
    onProxy(
      `${removed}\niptables-nft -t nat -A POSTROUTING -o eth0 -p udp -s 172.16.0.0/28 --sport 53 -j SNAT --to-source ${vip}\niptables-nft -t nat -A POSTROUTING -o eth0 -p udp -s 172.16.0.0/28 --sport 5353 -j SNAT --to-source ${vip}`,
    ),
  ),
  fault('dsr/forwarding-off', 'by sysctl', 'proxy', onProxy('echo 0 > /proc/sys/net/ipv4/ip_forward')),
  fault('dsr/firewall-drops-reply', 'policy', 'proxy', onProxy('iptables-nft -P FORWARD DROP')),
  fault('dsr/firewall-drops-reply', 'one port', 'proxy', onProxy('iptables-nft -A FORWARD -i eth1 -p udp --sport 5353 -j DROP'), [
    'dns5353',
  ]),
  fault('dsr/origin-nat-through-proxy', 'every upstream', 'proxy', [
    ...onProxy(removed),
    ...upstreams.map(({ name, address }) => ({ host: name, run: `${rootQdisc()}\n${batch(filters([address]))}` })),
  ]),
  fault(
    'dsr/port-differs',
    'one service listens elsewhere',
    'proxy',
    [{ host: 'proxy', replace: upstreams.map(({ address }) => [`server ${address}:5353 `, `server ${address}:53 `] as const) }],
    ['dns5353'],
  ),
];
