import { client, gateway, proxy } from '../article.js';
import type { Change } from '../lab.js';
import { stopNginx } from '../services.js';
import { type Fault, fault } from './scenario.js';

const on = (host: string, run: string): Change => ({ host, run });

/** Everything that dev2's, dev3's or dev4's IPv4 route to the client serves. */
const fourth = ['http', 'tcp', 'dns', 'udp5300'] as const;

/** A second card, `eth1`, for a host of the lab; it is down. */
export const secondCard = (host: string, segment: string): Change =>
  on('switch', `ip link add ${host}-1 up master ${segment} type veth peer name eth1 netns "$LAB-${host}"`);

const notListening = 'upstream/not-listening';
const stopDnsmasq = (port: number): string => `kill "$(cat dnsmasq-${port}.pid)"`;

export const upstreamFaults: readonly Fault[] = [
  {
    ...fault('upstream/reply-bypasses-proxy', 'dev2', fourth, [on('dev2', `ip route replace default via ${gateway.inner}`)]),
    withGateway: true,
  },
  {
    ...fault(
      'upstream/reply-bypasses-proxy',
      'dev2',
      fourth,
      [on('dev2', `ip route add 192.168.99.0/24 via ${gateway.inner}`)],
      'a more specific route',
    ),
    withGateway: true,
  },

  fault('upstream/no-route-to-client', 'dev4', fourth, [on('dev4', 'ip route del default')]),
  fault('upstream/no-route-to-client', 'dev1', ['http6'], [on('dev1', 'ip -6 route del default')], 'IPv6'),
  fault(
    'upstream/no-route-to-client',
    'dev4',
    fourth,
    [on('dev4', 'ip route del default\nfor f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 2 > "$f"; done')],
    'loose rp_filter drops the request already',
  ),

  fault(
    'upstream/client-on-connected-subnet',
    'dev3',
    fourth,
    [secondCard('dev3', 'outer'), on('dev3', 'ip address add 192.168.99.13/24 dev eth1\nip link set eth1 up')],
    'a card among the clients: replies go straight to them',
  ),
  fault(
    'upstream/client-on-connected-subnet',
    'dev3',
    fourth,
    [on('dev3', 'ip address add 192.168.99.13/24 dev eth0')],
    'overlapping prefix: clients are sought where they are not',
  ),

  {
    ...fault('upstream/rp-filter-drops-request', 'dev2', fourth, [
      // Requests come in through eth0, and the way back, which works, leads through eth1: strict mode takes that for spoofing.
      // arp_ignore: else both cards answer for 172.16.0.12 and the requests might come in through eth1.
      secondCard('dev2', 'inner'),
      on(
        'dev2',
        `echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore
       echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce
       ip address add 172.16.0.22/24 dev eth1
       ip link set eth1 up
       ip route replace default via ${proxy.inner} dev eth1
       echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter`,
      ),
    ]),
    cure: [on('dev2', 'echo 2 > /proc/sys/net/ipv4/conf/eth0/rp_filter')],
  },

  fault(
    'upstream/no-route-to-client',
    'dev3',
    ['http', 'tcp', 'dns', 'udp5300'],
    [on('dev3', 'ip route add blackhole 192.168.99.0/24')],
    'a blackhole for the clients',
  ),
  // Unless it is told to keep them, the kernel drops IPv6 addresses with the link, and only the host's own configuration knows them.
  fault(
    'upstream/unreachable',
    'dev2',
    ['http', 'http6', 'tcp', 'dns', 'udp5300'],
    [on('dev2', 'echo 1 > /proc/sys/net/ipv6/conf/eth0/keep_addr_on_down\nip link set eth0 down')],
    'its link is down',
  ),
  fault(notListening, 'dev1', ['http'], [{ host: 'dev1', replace: [['listen 80;', 'listen 8080;']] }], 'another port'),
  fault(notListening, 'dev1', ['http'], [{ host: 'dev1', replace: [['listen 80;', 'listen 127.0.0.1:80;']] }], 'loopback only'),
  { ...fault(notListening, 'dev1', ['http', 'http6', 'tcp'], [on('dev1', stopNginx)], 'nginx stopped'), leftOut: 'dev1' },
  fault(
    notListening,
    'dev1',
    ['http'],
    [
      { host: 'proxy', replace: [['proxy_next_upstream off;\n\n    upstream web {', 'upstream web {']] },
      { host: 'dev1', replace: [['listen 80;', 'listen 8080;']] },
    ],
    'hidden by retries on the next upstream',
  ),
  { ...fault(notListening, 'dev3', ['dns'], [on('dev3', stopDnsmasq(53))], 'DNS by direct server return'), leftOut: 'dev3' },
  { ...fault(notListening, 'dev3', ['udp5300'], [on('dev3', stopDnsmasq(5300))], 'UDP'), leftOut: 'dev3' },

  fault(
    'upstream/firewall-drops-request',
    'dev1',
    fourth,
    [on('dev1', `iptables-nft -A INPUT -s ${proxy.inner} -j ACCEPT\niptables-nft -A INPUT -i eth0 -s 0.0.0.0/0 -j DROP`)],
    'dropped',
  ),
  fault('upstream/firewall-drops-request', 'dev1', fourth, [on('dev1', 'iptables-nft -A INPUT -s 192.168.99.0/24 -j REJECT')], 'rejected'),
  fault(
    'upstream/firewall-drops-request',
    'dev2',
    ['tcp'],
    [on('dev2', `nft 'table netdev late { chain out { type filter hook egress device eth0 priority 0; tcp sport 9000 drop; }; }'`)],
    'its replies, at the link',
  ),

  {
    ...fault('upstream/unreachable', 'proxy', fourth, [on('dev2', 'ip address del 172.16.0.12/24 dev eth0')], 'nobody has its address'),
    leftOut: 'dev2',
  },
  fault(
    'upstream/unreachable',
    'proxy',
    fourth,
    [{ host: 'proxy', run: 'ip neighbour replace 172.16.0.12 lladdr 02:00:00:00:00:99 dev eth1 nud permanent' }],
    'a link address set by hand',
  ),

  { ...fault('upstream/no-outbound-access', 'proxy', [], []), outbound: client.address },
];
