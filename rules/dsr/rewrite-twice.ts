import { combine } from '../../src/cures/combine.js';
import { concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { martianReplies } from '../../src/reasoning/martian.js';
import { misfits, passingOf, removeRewrite, rewriteEvidence, rewritesOn } from '../../src/reasoning/rewrites.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'DSR replies are rewritten at the upstream and again on the way',
  why: 'One rewrite is enough. A router that is to rewrite the replies owns the address that clients ask; when the upstream has put that address into the reply already, the router takes its own address as a source for forged and drops the packet as martian.',
  run: (c) => {
    const twice = martianReplies(c).filter(({ rewrittenAgain }) => rewrittenAgain);
    return [...groupBy(twice, ({ origin }) => origin)].map(([host, broken]) => {
      const snapshot = c.snapshots.get(host);
      const rewrites = distinct(
        broken.flatMap(({ walk }) => {
          const passing = passingOf(walk, host);
          return rewritesOn(snapshot).filter((rewrite) => passing && misfits(rewrite, passing).length === 0);
        }),
      );
      const removals = rewrites.flatMap(
        (rewrite) => (snapshot && removeRewrite(snapshot, rewrite, 'the router on the way rewrites these replies')) ?? [],
      );
      const once = [...new Map(removals.map((cure) => [JSON.stringify(cure.steps), cure])).values()];
      return concludeFrom(broken, {
        host,
        summary: `${host} rewrites its replies although ${distinct(broken.map(({ step }) => step.host)).join(', ')} does so too, and drops them for it (${serviceList(broken)})`,
        evidence: rewrites.map((rewrite) => rewriteEvidence(host, rewrite)),
        cures: once.length > 0 ? [combine(host, once)] : [],
        verify: [`on ${host}: tcpdump -ni any udp port ${broken[0]?.walk.upstream.port}   # replies must leave from its own address`],
      });
    });
  },
};

export default rule;
