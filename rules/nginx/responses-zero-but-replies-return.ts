import { brokenBy, concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { rewriteDirective, servicesOf } from '../../src/reasoning/rewrite-directive.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'proxy_responses 0 although the replies come back to nginx',
  why: 'With `proxy_responses 0` nginx ends the session as soon as the request is sent. The firewall marks the replies and hands them to nginx, but its socket is gone by then: the kernel counts them in UdpNoPorts, and the client waits in vain.',
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
