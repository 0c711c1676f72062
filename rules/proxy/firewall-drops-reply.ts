import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "the firewall of nginx's host drops the upstreams' replies",
  why: "The reply is addressed to the client, not to an address of nginx's host. Rules that admit only what is meant for the host itself, or only what connection tracking knows, drop it although it was marked and routed to nginx.",
  signs: {
    logs: "504: `upstream timed out (110: Connection timed out) while connecting to upstream`, for UDP `… while proxying connection`. No kernel counter moves; only the rule that drops, or its chain's policy, counts.",
    packets:
      "SYN from the client's address and SYN-ACK on the link to the upstreams, over and over. A capture taps before the firewall, so the reply is seen although it is dropped.",
  },
  proof:
    "A rule or policy that fits the reply, whose counter grows with the requests. Usual ones: INPUT that admits only the host's own addresses, `ctstate INVALID` after NOTRACK, and firewalld's IPv6_rpfilter. Not this: a dropping policy behind a rule that accepts established connections, as long as these are tracked.",
  cure: {
    how: [
      'Admit what carries the mark, before the rule that drops it:',
      '  iptables -I INPUT -i eth1 -m mark --mark 1 -j ACCEPT',
      '  iptables-save -c',
      "firewalld's IPv6_rpfilter looks for the way back with the mark, and finds the one to nginx. Before its rule, until the next reload:",
      "  nft 'insert rule inet firewalld filter_PREROUTING iifname eth1 meta mark 1 accept'",
      'For good: IPv6_rpfilter=no in /etc/firewalld/firewalld.conf.',
    ].join('\n'),
    touches: ['firewall'],
  },
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
