import { brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "the upstream's firewall does not admit clients",
  why: "Behind a transparent proxy the upstream sees the client's address. Rules from the time before, which admit nginx's own address alone, now drop or reject every request; a rejection may show as 502 in nginx, a drop as 504.",
  run: (c) => {
    const dropped = brokenBy(c, 'firewall-dropped').filter(
      ({ step, walk }) => step.leg === 'forward' && step.host !== walk.service.host && step.packet.destination === walk.upstream.address,
    );
    const here = dropped.filter(({ step }) => step.place === 'prerouting' || step.place === 'input');
    return [...groupBy(here, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `the firewall on ${host} does not admit requests of ${list(distinct(broken.map(({ walk }) => walk.client)))} (${serviceList(broken)})`,
        cures: admitting(
          c,
          host,
          broken,
          ({ step: { packet, in: link } }) => ({
            family: packet.family,
            protocol: packet.protocol,
            ...(link === undefined ? {} : { in: link }),
            ...(packet.destinationPort === undefined ? {} : { destinationPort: packet.destinationPort }),
          }),
          "requests come under the clients' own addresses now",
        ),
        verify: distinct(broken.map(({ step }) => `the counters of the rules for ${step.place} on ${host} while a client asks`)),
      }),
    );
  },
};

export default rule;
