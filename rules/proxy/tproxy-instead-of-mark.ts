import { combine } from '../../src/cures/combine.js';
import { removeRule } from '../../src/cures/firewall-rules.js';
import { describeRule } from '../../src/path/firewall.js';
import { concludeFrom, distinct, serviceList } from '../../src/reasoning/broken.js';
import { marking, type Unmarked, unmarkedReplies } from '../../src/reasoning/unmarked.js';
import type { Case, Cure, Rule } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

type WithTproxy = Unmarked & Required<Pick<Unmarked, 'tproxy'>>;

const rule: Rule = {
  title: "TPROXY is set up for clients' requests, and nothing for the replies",
  why: "TPROXY hands packets to a listening socket although they are addressed to another host. nginx as a proxy needs nothing of the kind for its clients, who address it themselves. xt_TPROXY even drops a request for a listener without IP_TRANSPARENT, which nginx's are. What needs help are the replies of the upstreams: a mark, a policy rule and a local route.",
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
  const removals = broken.flatMap(({ tproxy }) => removeRule(snapshot, tproxy, tproxy.rule, why) ?? []);
  const once = [...new Map(removals.map((cure) => [JSON.stringify(cure.steps), cure])).values()];
  return marking(c, host, broken).map((cure) => combine(host, [...once, cure]));
}

export default rule;
