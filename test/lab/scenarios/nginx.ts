import { upstreams } from '../article.js';
import type { Change } from '../lab.js';
import { type Fault, fault } from './scenario.js';

const httpLocation = 'proxy_bind $remote_addr transparent;\n            proxy_pass http://web;';

/** One setting of one service of the proxy. */
const configured = (from: string, to: string): readonly Change[] => [{ host: 'proxy', replace: [[from, to]] }];

export const nginxFaults: readonly Fault[] = [
  fault(
    'nginx/transparent-keyword-missing',
    'proxy',
    ['http'],
    [{ host: 'proxy', replace: [[httpLocation, 'proxy_bind $remote_addr;\n            proxy_pass http://web;']] }],
    'http',
  ),
  fault(
    'nginx/transparent-keyword-missing',
    'proxy',
    ['dns'],
    [{ host: 'proxy', replace: [['proxy_bind $remote_addr:$remote_port transparent;', 'proxy_bind $remote_addr:$remote_port;']] }],
    'DNS by direct server return',
  ),
  fault(
    'nginx/keepalive-mixes-clients',
    'proxy',
    ['http'],
    [
      {
        host: 'proxy',
        replace: [
          ['upstream web {\n', 'upstream web {\n        keepalive 8;\n'],
          [httpLocation, `${httpLocation}\n            proxy_http_version 1.1;\n            proxy_set_header Connection "";`],
        ],
      },
    ],
  ),
  fault('nginx/literal-port-in-bind', 'proxy', ['dns'], configured('$remote_addr:$remote_port', '$remote_addr:53')),
  fault('nginx/dsr-without-client-port', 'proxy', ['dns'], configured('$remote_addr:$remote_port', '$remote_addr')),
  fault('nginx/responses-zero-but-replies-return', 'proxy', ['udp5300'], configured('proxy_responses 1;', 'proxy_responses 0;')),
  fault(
    'nginx/address-family-mismatch',
    'proxy',
    ['http6'],
    [{ host: 'proxy', replace: upstreams.map((u) => [`server [${u.address6}]:80`, `server ${u.address}:80`]) }],
  ),
  fault(
    'nginx/config-not-reloaded',
    'proxy',
    ['http'],
    [
      { host: 'proxy', replace: [[httpLocation, 'proxy_bind $remote_addr;\n            proxy_pass http://web;']] },
      { host: 'proxy', run: "sleep 2; sed -i 's/proxy_bind .remote_addr;/proxy_bind $remote_addr transparent;/' nginx.conf" },
    ],
    'transparent was added',
  ),
];
