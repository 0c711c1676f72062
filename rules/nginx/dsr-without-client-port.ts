import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { rewriteDirective, servicesOf } from '../../src/reasoning/rewrite-directive.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "proxy_bind lacks the client's port in a service whose replies go straight to the client",
  why: 'Without `:$remote_port` nginx takes any free port towards the upstream. With Direct Server Return the answer does not come back to nginx but goes to that port of the client, which never used it.',
  signs: {
    logs: 'nginx logs nothing, and status 200. On the client UdpNoPorts moves, and IcmpInDestUnreachs on the host that owns 192.168.99.10.',
    packets:
      'The client asks from port 57627, say, but towards the upstream the request leaves from another: `192.168.99.50:47799 > 172.16.0.11:53`. The answer comes to the client from the right address, to port 47799, and the client returns ICMP port unreachable.',
  },
  proof:
    "The source port differs on nginx's two sides, in a service with `proxy_responses 0` whose upstreams do answer. Not this: method 1 (nginx takes the answers itself, any port will do), and one-way traffic such as syslog, which nobody answers.",
  cure: {
    how: ['Write `proxy_bind $remote_addr:$remote_port transparent;` (nginx 1.11.2 or newer), then', '  nginx -s reload'].join('\n'),
    touches: ['nginx'],
  },
  run: (c) => {
    const misled = brokenBy(c, 'wrong-client-port').filter(({ walk }) => walk.service.bind?.port === 'none');
    return [...groupBy(misled, ({ walk }) => walk.service.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `proxy_bind on ${host} has no client port, so answers reach a port that the client never used (${serviceList(broken)})`,
        cures: rewriteDirective(c, servicesOf(broken.map(({ walk }) => walk)), {
          name: 'proxy_bind',
          at: (service) => service.bind?.at,
          become: (text) => text.replace(/(\$\w+|\$\{\w+\})/, (address) => `${address}:$remote_port`),
          why: "the upstream then answers to the client's own port",
        }),
        verify: [`tcpdump -ni any udp port ${broken[0]?.walk.upstream.port}   # requests leave from the port that the client asked from`],
      }),
    );
  },
};

export default rule;
