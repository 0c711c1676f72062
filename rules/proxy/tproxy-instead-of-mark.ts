import { combine } from '../../src/cures/combine.js';
import { removeRules } from '../../src/cures/remove-rule.js';
import { describeRule } from '../../src/path/firewall.js';
import { concludeFrom, distinct, serviceList } from '../../src/reasoning/broken.js';
import { marking, type Unmarked, unmarkedReplies } from '../../src/reasoning/unmarked.js';
import type { Case, Cure, Rule } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

type WithTproxy = Unmarked & Required<Pick<Unmarked, 'tproxy'>>;

const rule: Rule = {
  title: "TPROXY is set up for clients' requests, and nothing for the replies",
  why: "TPROXY hands packets to a listening socket although they are addressed to another host. nginx as a proxy needs nothing of the kind for its clients, who address it themselves. xt_TPROXY even drops a request for a listener without IP_TRANSPARENT, which nginx's are. What needs help are the replies of the upstreams: a mark, a policy rule and a local route.",
  signs: {
    logs: 'Where the TPROXY rule takes the requests nginx logs nothing at all, because it never gets one; the client retries (TcpExtTCPSynRetrans there) and times out. Where it does not, the replies are lost with a 504 as without any mark rule.',
    packets: "On nginx's outer link the client's SYN over and over, no answer, and nothing on the link to the upstreams.",
  },
  proof:
    'A TPROXY rule in PREROUTING for the listening port, and no rule that marks what the upstreams send. TPROXY is right for another design: a proxy in the path of clients who address somebody else, with `listen … transparent`.',
  cure: {
    how: [
      'Take the rule away and mark the replies:',
      '  iptables -t mangle -D PREROUTING -i eth0 -p tcp --dport 80 -j TPROXY --on-port 80 --tproxy-mark 0x1/0x1',
      '  iptables -t mangle -A PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) =>
    [...unmarkedReplies(c)].flatMap(([host, replies]) => {
      const broken = replies.flatMap((reply): WithTproxy[] => (reply.tproxy ? [{ ...reply, tproxy: reply.tproxy }] : []));
      const first = broken[0];
      if (!first) return [];
      const { table, chain, rule: tproxy } = first.tproxy;
      return concludeFrom(broken, {
        host,
        summary: `a TPROXY rule on ${host} takes clients' requests, but no rule marks the upstreams' replies (${serviceList(broken)})`,
        because: [`"${tproxy.text}" concerns packets from clients; a reply from ${first.step.packet.source} has no mark when it is routed`],
        evidence: [{ host, ...describeRule(table, chain, tproxy) }],
        cures: cures(c, host, broken),
        verify: distinct(broken.map(verify)),
      });
    }),
};

/** The rule goes as well: xt_TPROXY drops what it cannot hand to a transparent listener, and nginx's listeners are none. */
function cures(c: Case, host: string, broken: readonly WithTproxy[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const why = 'clients address nginx itself, and TPROXY drops what it cannot hand to a transparent listener';
  const removal = removeRules(snapshot, distinct(broken.map(({ tproxy }) => tproxy)), why);
  return marking(c, host, broken).map((cure) => combine(host, [...(removal ? [removal] : []), cure]));
}

export default rule;
