import { describeRule } from '../../src/path/firewall.js';
import { concludeFrom, distinct, serviceList } from '../../src/reasoning/broken.js';
import { marking, type Unmarked, unmarkedReplies } from '../../src/reasoning/unmarked.js';
import type { Rule } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: "a mark rule exists but misses the upstreams' replies",
  why: "A rule that sets the mark is there, yet its protocol, port, subnet, interface, chain or position keeps it from the replies. Replies come from the upstream's address and port, through PREROUTING, on the link towards the upstreams.",
  run: (c) =>
    [...unmarkedReplies(c)].flatMap(([host, replies]) => {
      const broken = replies.filter((reply): reply is Required<Unmarked> => reply.nearMiss !== undefined);
      const first = broken[0];
      if (!first) return [];
      const { table, chain, rule: missing, misses } = first.nearMiss;
      return concludeFrom(broken, {
        host,
        summary: `the mark rule on ${host} misses the replies of the upstreams: ${misses} does not fit (${serviceList(broken)})`,
        because: [
          `the rule "${missing.text}" was meant for them, but ${misses} does not fit a reply from ${first.step.packet.source}:${first.step.packet.sourcePort ?? '?'}`,
        ],
        evidence: [{ host, ...describeRule(table, chain, missing) }],
        cures: marking(c, host, broken),
        verify: distinct(broken.map(verify)),
      });
    }),
};

export default rule;
