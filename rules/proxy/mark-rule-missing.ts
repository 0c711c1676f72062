import { concludeFrom, distinct, serviceList } from '../../src/reasoning/broken.js';
import { marking, unmarkedReplies } from '../../src/reasoning/unmarked.js';
import type { Rule } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: "no rule marks the upstreams' replies",
  why: "The upstream addresses its reply to the client. Without a firewall mark nothing tells the kernel of nginx's host that the packet is meant for a local socket: it drops it (IpInAddrErrors) or, with ip_forward=1, forwards it to the client.",
  run: (c) =>
    [...unmarkedReplies(c)].flatMap(([host, replies]) => {
      const broken = replies.filter(({ nearMiss, tproxy }) => !nearMiss && !tproxy);
      if (broken.length === 0) return [];
      return concludeFrom(broken, {
        host,
        summary: `no firewall rule on ${host} marks the upstreams' replies, so they are not handed to nginx (${serviceList(broken)})`,
        because: [`no rule in prerouting matched ${broken[0]?.step.packet.source ?? 'the reply'}: it has no mark when it is routed`],
        cures: marking(c, host, broken),
        verify: distinct(broken.map(verify)),
      });
    }),
};

export default rule;
