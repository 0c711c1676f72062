import { kernelLacks } from '../kernel.js';
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
];

export const furtherProxyRisks: readonly Risk[] = [risk('proxy/icmp-errors-not-intercepted', 'proxy', [])];
