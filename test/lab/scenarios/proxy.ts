import type { Fault } from './scenario.js';

const onProxy = { host: 'proxy', severity: 'fault' } as const;

export const proxyFaults: readonly Fault[] = [
  {
    ...onProxy,
    name: 'proxy/mark-rule-missing',
    cause: 'proxy/mark-rule-missing',
    changes: [
      { host: 'proxy', run: 'iptables-nft -t mangle -D PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff' },
    ],
    fails: ['http'],
  },
  {
    ...onProxy,
    name: 'proxy/policy-rule-missing',
    cause: 'proxy/policy-rule-missing',
    changes: [{ host: 'proxy', run: 'ip rule del fwmark 1 lookup 100' }],
    fails: ['http', 'tcp', 'udp5300'],
  },
  {
    ...onProxy,
    name: 'proxy/local-route-missing',
    cause: 'proxy/local-route-missing',
    changes: [{ host: 'proxy', run: 'ip route flush table 100' }],
    fails: ['http', 'tcp', 'udp5300'],
  },
];
