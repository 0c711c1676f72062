import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'a firewall on the way drops DSR replies',
  why: "With Direct Server Return the replies pass the router on their way to the client. A FORWARD policy of DROP, or a rule against packets of unknown or invalid state, drops them: to connection tracking they belong to no flow, or to one that nginx's host itself began.",
  signs: {
    logs: 'nginx logs nothing, and status 200. The rule or policy of FORWARD counts. IpForwDatagrams grows nevertheless on recent kernels (seen on 6.18), which count before the firewall is asked.',
    packets: "On the inner link of nginx's host or router the answers come in; on its link to the clients nothing goes out.",
  },
  proof:
    'A rule or policy that fits the answers, whose counter grows with the requests. Docker sets the policy of FORWARD to DROP. Not this: a policy of DROP behind a rule that lets them pass, and losses of a few in a hundred (dsr/replies-caught-by-early-demux).',
  cure: {
    how: [
      'Let the answers pass, before the rule that drops them:',
      '  iptables -I FORWARD -s 172.16.0.0/28 -p udp --sport 53 -j ACCEPT',
      "With ufw, and in firewalld's own table, which a reload makes anew (a policy from ANY to ANY with --permanent lasts):",
      '  ufw route allow proto udp from 172.16.0.0/28 port 53',
      "  nft 'insert rule inet firewalld filter_FORWARD ip saddr 172.16.0.0/28 udp sport 53 accept'",
      'Without state (`ctstate`), for connection tracking knows them as another flow or not at all.',
    ].join('\n'),
    touches: ['firewall'],
  },
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
