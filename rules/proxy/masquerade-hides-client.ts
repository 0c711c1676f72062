import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "masquerading replaces the client's address on the way to the upstreams",
  why: "A MASQUERADE or SNAT rule meant for other traffic also takes nginx's packets under the client's address. Requests of method 1 still succeed, but the upstreams see and log nginx's address; answers of Direct Server Return reach no client.",
  run: (c) => {
    const hidden = brokenBy(c, 'source-masqueraded').filter(({ step, walk }) => step.host === walk.service.host);
    return [...groupBy(hidden, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `a nat rule on ${host} replaces the client's address before the request leaves (${serviceList(broken)})`,
        cures: admitting(
          c,
          host,
          broken,
          ({ walk: { upstream, service }, step: { packet, out } }) => ({
            family: packet.family,
            protocol: service.protocol === 'udp' ? 17 : 6,
            ...(out === undefined ? {} : { out }),
            destinations: upstream.address === undefined ? [] : [upstream.address],
            destinationPort: upstream.port,
          }),
          "requests to the upstreams keep the client's address; all else is translated as before",
        ),
        verify: distinct(
          broken.map(({ walk }) => `on the upstream: tcpdump -ni any port ${walk.upstream.port}   # must show clients' addresses`),
        ),
      }),
    );
  },
};

export default rule;
