import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'a firewall on the way drops DSR replies',
  why: "With Direct Server Return the replies pass the router on their way to the client. A FORWARD policy of DROP, or a rule against packets of unknown or invalid state, drops them: to connection tracking they belong to no flow, or to one that nginx's host itself began.",
  run: (c) => {
    const dropped = brokenBy(c, 'firewall-dropped').filter(({ step, walk }) => step.leg === 'reply' && walk.service.mode.startsWith('dsr'));
    return [...groupBy(dropped, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `the firewall on ${host} drops the DSR replies in ${distinct(broken.map(({ step }) => step.place)).join(' and ')} (${serviceList(broken)})`,
        cures: admitting(
          c,
          host,
          broken,
          ({ step: { packet } }) => ({
            family: packet.family,
            protocol: packet.protocol,
            sources: [packet.source],
            ...(packet.sourcePort === undefined ? {} : { sourcePort: packet.sourcePort }),
          }),
          "the upstreams' replies are let through to the clients",
        ),
        verify: distinct(broken.map(({ step }) => `the counters of the rules for ${step.place} on ${host} while a client asks`)),
      }),
    );
  },
};

export default rule;
