import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { rewriteDirective, servicesOf } from '../../src/reasoning/rewrite-directive.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "proxy_bind gives the client's address a fixed port in a service whose replies go straight to the client",
  why: "With Direct Server Return the upstream answers to the address and port that nginx sent from. `$remote_addr:53` sends all requests from port 53 of the client, where no client waits for an answer. Only `$remote_port` leads to the client's socket.",
  signs: {
    logs: 'With a fixed port below 1024 and unprivileged workers, at level crit: `bind(192.168.99.50:53) failed (13: Permission denied) while connecting to upstream`. Otherwise nothing: `proxy_responses 0` logs status 200 whatever happens; UdpNoPorts moves on the clients.',
    packets:
      'Either nothing leaves for the upstreams (bind refused), or every request leaves as `192.168.99.50:53 > 172.16.0.11:53`. The answers then reach port 53 of the client, which returns ICMP port unreachable.',
  },
  proof:
    'Digits after the colon of `proxy_bind` in a service whose answers do not come back to nginx. The errno 13 line alone proves nothing: `$remote_port` gives it too, for a client that asks from a port below 1024.',
  cure: {
    how: ['Write `proxy_bind $remote_addr:$remote_port transparent;`, then', '  nginx -s reload'].join('\n'),
    touches: ['nginx'],
  },
  run: (c) => {
    const misled = brokenBy(c, 'wrong-client-port').filter(({ walk }) => walk.service.bind?.port === 'fixed');
    return [...groupBy(misled, ({ walk }) => walk.service.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `proxy_bind on ${host} sends from port ${broken[0]?.walk.service.bind?.fixedPort} instead of the client's own, so answers reach no client (${serviceList(broken)})`,
        cures: rewriteDirective(c, servicesOf(broken.map(({ walk }) => walk)), {
          name: 'proxy_bind',
          at: (service) => service.bind?.at,
          become: (text) => text.replace(/:\d+(?=["'\s;])/, () => ':$remote_port'),
          why: "the upstream then answers to the client's own port",
        }),
        verify: [`tcpdump -ni any udp port ${broken[0]?.walk.upstream.port}   # requests leave from the port that the client asked from`],
      }),
    );
  },
};

export default rule;
