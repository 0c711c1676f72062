import { type Fault, fault } from './scenario.js';

const httpLocation = 'proxy_bind $remote_addr transparent;\n            proxy_pass http://web;';

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
];
