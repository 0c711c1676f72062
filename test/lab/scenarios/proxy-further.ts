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
];

export const furtherProxyRisks: readonly Risk[] = [risk('proxy/icmp-errors-not-intercepted', 'proxy', [])];
