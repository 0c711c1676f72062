import { describeRule } from '../../src/path/firewall.js';
import { concludeFrom, distinct, serviceList } from '../../src/reasoning/broken.js';
import { marking, type Unmarked, unmarkedReplies } from '../../src/reasoning/unmarked.js';
import type { Rule } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: "a mark rule exists but misses the upstreams' replies",
  why: "A rule that sets the mark is there, yet its protocol, port, subnet, interface, chain or position keeps it from the replies. Replies come from the upstream's address and port, through PREROUTING, on the link towards the upstreams.",
  signs: {
    logs: 'As if there were no rule: 504 and `upstream timed out (110: Connection timed out) while connecting to upstream`, IpInAddrErrors with ip_forward=0. In addition the packet counter of the rule stands still while requests fail; where it misses only some upstreams it counts the others.',
    packets:
      "SYN from the client's address and SYN-ACK on the link to the upstreams, over and over, and nothing that nginx does with the answer.",
  },
  proof:
    "The rule fits the replies in all but one field and serves no other service, or an earlier rule of its chain accepts them first. Rules meant for others are left alone: a rule whose counter grows works for somebody. Replies come from the upstream's address and port (`--sport`, not `--dport`), in PREROUTING, on the inner link.",
  cure: {
    how: [
      'Put the right rule beside it; the wrong one may go once the right one counts:',
      '  iptables -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
      '  iptables-save -c -t mangle',
    ].join('\n'),
    touches: ['firewall'],
  },
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
