import { client, gateway, proxy, upstreams } from '../article.js';
import type { Change } from '../lab.js';
import { httpPreamble, nginxPreamble, startNginx, stopNginx } from '../services.js';
import { type Fault, fault } from './scenario.js';

const onClient = (run: string): Change => ({ host: 'client', run });
const ask = (address: string, port: number): string =>
  `dig +short +time=1 +tries=1 -b ${address} -p ${port} @192.168.99.10 www.example.com`;

/** Each client's ports, and what it asked for from them, are gone over again and again. */
const fewPorts = 'echo 40000 40031 > /proc/sys/net/ipv4/ip_local_port_range';
const usePorts = (address: string): string =>
  `for i in $(seq 100); do curl -so /dev/null -m 2 --interface ${address} http://192.168.99.10/; done`;

/** Clients reach nginx by way of the gateway. */
const throughGateway: readonly Change[] = [
  { host: 'gw', run: 'for f in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 > "$f"; done' },
  onClient(`ip route add ${proxy.outer}/32 via ${gateway.outer}`),
];

/** A proxy of http that is not transparent, but says who asked it. */
const relay = `${nginxPreamble}http {
${httpPreamble}    server {
        listen 8080;
        location / {
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_pass http://${proxy.outer};
        }
    }
}
`;

/** Faults of nginx's configuration that take particular traffic to be seen. */
export const furtherNginxFaults: readonly Fault[] = [
  fault(
    'nginx/low-client-port-denied',
    'proxy',
    ['dns'],
    [onClient('echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start; echo 600 1000 > /proc/sys/net/ipv4/ip_local_port_range')],
  ),
  fault(
    'nginx/tcp-client-port-bind',
    'proxy',
    ['http'],
    [
      {
        host: 'proxy',
        replace: [
          [
            'proxy_bind $remote_addr transparent;\n            proxy_pass http://web;',
            // nginx is the first to close on both sides: the client's port is free again while nginx's own connection is in TIME-WAIT.
            'keepalive_timeout 0;\n            proxy_http_version 1.1;\n            proxy_set_header Connection "";\n            proxy_bind $remote_addr:$remote_port transparent;\n            proxy_pass http://web;',
          ],
        ],
      },
      onClient([fewPorts, usePorts(client.address), usePorts(client.second)].join('\n')),
    ],
  ),
  fault(
    'nginx/dsr-waits-for-replies',
    'proxy',
    ['dns'],
    [
      {
        host: 'proxy',
        replace: [
          ...upstreams.map(({ address }) => [`server ${address}:53 max_fails=0;`, `server ${address}:53;`] as const),
          ['proxy_responses 0;', 'proxy_responses 1;'],
        ],
      },
      // One failure each, counted when proxy_timeout is over.
      onClient(`for i in 1 2 3 4 5 6 7 8; do ${ask(client.address, 53)}; done; sleep 1.5`),
    ],
  ),
  fault(
    'nginx/stream-module-missing',
    'proxy',
    ['tcp', 'dns', 'udp5300'],
    [
      {
        host: 'proxy',
        // http alone at first; then the stream block comes, without its module, and the reload is refused.
        run: [
          stopNginx,
          "sed -i '/^load_module/d' nginx.conf; cp nginx.conf whole.conf; sed -i '/^stream {/,$d' nginx.conf",
          startNginx(),
          'sleep 1; cp whole.conf nginx.conf; kill -HUP "$(cat nginx.pid)"; sleep 0.5',
        ].join('\n'),
      },
    ],
  ),
  {
    ...fault(
      'nginx/client-is-a-proxy',
      'gw',
      ['http', 'tcp', 'dns', 'udp5300'],
      [...throughGateway, { host: 'gw', run: 'iptables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE' }],
      'a router that masquerades',
    ),
    withGateway: true,
  },
  {
    ...fault(
      'nginx/client-is-a-proxy',
      'proxy',
      ['http'],
      [
        ...throughGateway,
        {
          host: 'gw',
          run: [
            `cat > nginx.conf <<'END'\n${relay}END`,
            startNginx(),
            'iptables-nft -t nat -A PREROUTING -i eth0 -d 192.168.99.10 -p tcp --dport 80 -j REDIRECT --to-ports 8080',
          ].join('\n'),
        },
      ],
      'a proxy in front',
    ),
    withGateway: true,
  },
];
