import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { rewriteDirective, servicesOf } from '../../src/reasoning/rewrite-directive.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "proxy_bind lacks the client's port in a service whose replies go straight to the client",
  why: 'Without `:$remote_port` nginx takes any free port towards the upstream. With Direct Server Return the answer does not come back to nginx but goes to that port of the client, which never used it.',
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
