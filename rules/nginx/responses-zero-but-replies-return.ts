import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { rewriteDirective, servicesOf } from '../../src/reasoning/rewrite-directive.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'proxy_responses 0 although the replies come back to nginx',
  why: 'With `proxy_responses 0` nginx ends the session as soon as the request is sent. The firewall marks the replies and hands them to nginx, but its socket is gone by then: the kernel counts them in UdpNoPorts, and the client waits in vain.',
  signs: {
    logs: 'nginx logs nothing, and status 200 with 0 bytes sent. On its host UdpNoPorts grows by about one for each request; the client waits until it gives up.',
    packets:
      'On the link to the upstreams each request and its answer. Nothing goes out to the client, and no ICMP error is sent to the upstream either.',
  },
  proof:
    'A mark rule and a local route that take the answers in, together with `proxy_responses 0` and a growing UdpNoPorts. Not this: Direct Server Return, where the mark rule is the mistake (proxy/mark-rule-steals-dsr-replies), and one-way traffic without answers, where 0 is right.',
  cure: {
    how: [
      'Say how many datagrams answer a request, one for DNS: `proxy_responses 1;`. Then',
      '  nginx -s reload',
      '  nstat -az UdpNoPorts',
    ].join('\n'),
    touches: ['nginx'],
  },
  run: (c) => {
    const forgotten = brokenBy(c, 'stolen').filter(
      ({ walk, step }) => walk.service.bind?.port === 'none' && step.host === walk.service.host && step.packet.mark !== 0,
    );
    return [...groupBy(forgotten, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `proxy_responses 0 on ${host} ends each session before the reply, which does come back to nginx (${serviceList(broken)})`,
        because: ["a rule marks the reply and the local table takes it in, but nginx's socket is closed already"],
        cures: rewriteDirective(c, servicesOf(broken.map(({ walk }) => walk)), {
          name: 'proxy_responses',
          at: (service) => service.proxyResponses?.at,
          become: () => 'proxy_responses 1;',
          why: 'nginx then keeps the session until the answer has come',
        }),
        verify: ["nstat -az UdpNoPorts   # on nginx's host: must not grow with the requests"],
      }),
    );
  },
};

export default rule;
