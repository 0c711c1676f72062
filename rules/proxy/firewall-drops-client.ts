import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "nginx's own host drops the client's request",
  why: 'The client cannot even reach nginx: a rule or policy on its host drops the request before the listening socket. Nothing appears in the access log.',
  run: (c) => {
    const dropped = brokenBy(c, 'firewall-dropped').filter(({ step }) => step.leg === 'request');
    return [...groupBy(dropped, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `the firewall on ${host} drops the clients' requests before nginx gets them (${serviceList(broken)})`,
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
          "clients' requests are let in to nginx",
        ),
        verify: distinct(broken.map(({ step }) => `the counters of the rules for ${step.place} on ${host} while a client asks`)),
      }),
    );
  },
};

export default rule;
