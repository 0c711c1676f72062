import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "the firewall of nginx's host drops the upstreams' replies",
  why: "The reply is addressed to the client, not to an address of nginx's host. Rules that admit only what is meant for the host itself, or only what connection tracking knows, drop it although it was marked and routed to nginx.",
  run: (c) => {
    const dropped = brokenBy(c, 'firewall-dropped').filter(
      ({ step, walk }) => step.leg === 'reply' && walk.service.mode === 'transparent' && step.host === walk.service.host,
    );
    return [...groupBy(dropped, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `the firewall on ${host} drops the upstreams' replies in ${distinct(broken.map(({ step }) => step.place)).join(' and ')} (${serviceList(broken)})`,
        cures: admitting(
          c,
          host,
          broken,
          ({ step: { packet, in: link } }) => ({
            family: packet.family,
            ...(link === undefined ? {} : { in: link }),
            ...(packet.mark === 0
              ? { protocol: packet.protocol, sources: [packet.source], sourcePort: packet.sourcePort ?? 0 }
              : { mark: packet.mark }),
          }),
          "the upstreams' replies are let in to nginx, whoever they are addressed to",
        ),
        verify: distinct(broken.map(({ step }) => `the counters of the rules for ${step.place} on ${host} while a client asks`)),
      }),
    );
  },
};

export default rule;
