import { kernelLacks } from '../kernel.js';
import { startForgetfulServer, stopDnsmasq } from '../services.js';
import { type Fault, fault, type Risk, risk } from './scenario.js';

export const furtherProxyFaults: readonly Fault[] = [
  fault(
    'upstream/client-is-the-upstream',
    'proxy',
    [],
    [
      {
        host: 'dev1',
        run: 'for i in 1 2 3 4; do [ "$(curl -so /dev/null -m 2 -w "%{http_code}" http://172.16.0.1/)" = 504 ] || exit 1; done',
      },
    ],
  ),
  // Kernels with act_nat would load the filter; then nothing but the rewrite is missing, and another cause tells so.
  ...(kernelLacks('CONFIG_NET_ACT_NAT')
    ? [
        fault(
          'proxy/kernel-feature-missing',
          'proxy',
          ['dns'],
          [{ host: 'proxy', run: 'nft delete table ip dsr\ntc qdisc add dev eth0 root handle 10: htb' }],
        ),
      ]
    : []),
  fault(
    'network/hosts-unreachable',
    'proxy',
    ['http', 'tcp', 'dns', 'udp5300'],
    [{ host: 'proxy', run: 'ip route add blackhole 192.168.99.51/32' }],
  ),
  fault(
    'network/hosts-unreachable',
    'proxy',
    ['http', 'tcp', 'dns', 'udp5300'],
    [{ host: 'proxy', run: 'ip route add 192.168.99.51/32 via 172.16.0.11' }],
    'a route to an upstream',
  ),
  fault(
    'network/hosts-unreachable',
    'client',
    ['http', 'tcp', 'dns', 'udp5300'],
    [{ host: 'client', run: 'ip route add unreachable 192.168.99.10/32' }],
    'the client has no way',
  ),
  fault(
    'proxy/firewall-drops-client',
    'proxy',
    ['http'],
    [{ host: 'proxy', run: 'iptables-nft -A OUTPUT -o eth0 -p tcp --sport 80 -j DROP' }],
    'answers',
  ),
  fault(
    'proxy/firewall-drops-client',
    'proxy',
    ['tcp'],
    [{ host: 'proxy', run: 'iptables-nft -A INPUT -p tcp --dport 9000 -m conntrack --ctstate ESTABLISHED -j DROP' }],
    'all but the first packet',
  ),
  {
    ...fault(
      'proxy/masquerade-hides-client',
      'gw',
      ['udp5300'],
      [
        { host: 'proxy', run: 'ip route add 172.16.0.12/32 via 192.168.99.2' },
        { host: 'gw', run: 'iptables-nft -t nat -A POSTROUTING -o eth1 -p udp --dport 5300 -j MASQUERADE' },
      ],
      'a router between, for one port',
    ),
    withGateway: true,
  },
  fault(
    'proxy/route-to-upstream-wrong',
    'proxy',
    ['http', 'tcp', 'dns', 'udp5300'],
    [{ host: 'proxy', run: 'ip route add 172.16.0.12/32 dev eth0' }],
    'by another link',
  ),
  fault(
    'proxy/route-to-upstream-wrong',
    'proxy',
    ['http', 'tcp', 'dns', 'udp5300'],
    [{ host: 'proxy', run: 'ip route add 172.16.0.12/32 via 172.16.0.99' }],
    'by a gateway that nobody is',
  ),
  fault(
    'upstream/replies-from-another-address',
    'dev2',
    ['udp5300'],
    [
      {
        host: 'dev2',
        run: `${stopDnsmasq(5300)}
${startForgetfulServer(5300, '10.0.0.2')}
ip address add 172.16.0.22/24 dev eth0
ip route replace default via 172.16.0.1 src 172.16.0.22`,
      },
      // nginx complains of the silent upstream when proxy_timeout, two seconds, is over.
      {
        host: 'client',
        run: 'for i in 1 2 3 4; do dig +time=1 +tries=1 -p 5300 @192.168.99.10 www.example.com || [ $? = 9 ] || exit 1; done >/dev/null; sleep 2',
      },
    ],
  ),
];

export const furtherProxyRisks: readonly Risk[] = [risk('proxy/icmp-errors-not-intercepted', 'proxy', [])];
