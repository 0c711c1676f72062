import { describeRule } from '../../src/path/firewall.js';
import { concludeFrom, distinct, serviceList } from '../../src/reasoning/broken.js';
import { marking, type Unmarked, unmarkedReplies } from '../../src/reasoning/unmarked.js';
import type { Rule } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: "TPROXY is set up for clients' requests, and nothing for the replies",
  why: 'TPROXY hands packets to a listening socket although they are addressed to another host. nginx as a proxy needs nothing of the kind for its clients, who address it themselves. What needs help are the replies of the upstreams: a mark, a policy rule and a local route.',
  run: (c) =>
    [...unmarkedReplies(c)].flatMap(([host, replies]) => {
      const broken = replies.flatMap((reply): (Unmarked & Required<Pick<Unmarked, 'tproxy'>>)[] =>
        reply.tproxy ? [{ ...reply, tproxy: reply.tproxy }] : [],
      );
      const first = broken[0];
      if (!first) return [];
      const { table, chain, rule: tproxy } = first.tproxy;
      return concludeFrom(broken, {
        host,
        summary: `a TPROXY rule on ${host} takes clients' requests, but no rule marks the upstreams' replies (${serviceList(broken)})`,
        because: [`"${tproxy.text}" concerns packets from clients; a reply from ${first.step.packet.source} has no mark when it is routed`],
        evidence: [{ host, ...describeRule(table, chain, tproxy) }],
        cures: marking(c, host, broken),
        verify: distinct(broken.map(verify)),
      });
    }),
};

export default rule;
