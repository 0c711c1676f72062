import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "masquerading replaces the client's address on the way to the upstreams",
  why: "A MASQUERADE or SNAT rule meant for other traffic also takes nginx's packets under the client's address, on nginx's host or on a router between it and the upstreams. Requests of method 1 still succeed, but the upstreams see and log nginx's address; answers of Direct Server Return reach no client.",
  signs: {
    logs: "With method 1 nothing is wrong to see on nginx's host: 200, no error. The upstreams' access logs name 172.16.0.1 for every client. With Direct Server Return clients hear nothing; on nginx's host UdpNoPorts and IcmpOutDestUnreachs grow.",
    packets:
      "On the link to the upstreams requests leave as `172.16.0.1 > 172.16.0.11` instead of from the client's address. Direct Server Return replies come back to 172.16.0.1, which returns ICMP port unreachable.",
  },
  proof:
    "A capture on the link to the upstreams, or the counter of the nat rule growing with the requests. Not this: a rule for another outgoing link or for the upstreams' own addresses (`-s 172.16.0.0/28`), which they need for their way outside.",
  cure: {
    how: [
      'Exempt what goes to the upstreams, before the rule that translates:',
      '  iptables -t nat -I POSTROUTING -o eth1 -d 172.16.0.0/28 -j ACCEPT',
      'Connections that exist keep their translation until they end.',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) => {
    // On a router between them it is the router's rule, and typed there.
    return [...groupBy(brokenBy(c, 'source-masqueraded'), ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `a nat rule on ${host} replaces the client's address as the request leaves (${serviceList(broken)})`,
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
