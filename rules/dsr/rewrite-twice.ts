import { concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { martianReplies } from '../../src/reasoning/martian.js';
import { misfits, passingOf, removeRewrites, rewriteEvidence, rewritesOn } from '../../src/reasoning/rewrites.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'DSR replies are rewritten at the upstream and again on the way',
  why: 'One rewrite is enough. A router that is to rewrite the replies owns the address that clients ask; when the upstream has put that address into the reply already, the router takes its own address as a source for forged and drops the packet as martian.',
  signs: {
    logs: 'nginx logs nothing, and status 200. Nothing in nstat moves; the column in_martian_src of /proc/net/stat/rt_cache grows on the router, and with log_martians=1 its kernel log has "martian source 192.168.99.50 from 192.168.99.10, on dev eth1".',
    packets:
      "On the link between upstream and router the answer has source 192.168.99.10 already. On the router's link to the clients it never appears.",
  },
  proof:
    'The source is rewritten before the answer reaches the host that owns the new address, and that host has a rewrite of its own. With one at the upstream only, the way is wrong and not the number (dsr/origin-nat-through-proxy).',
  cure: {
    how: [
      'Take the rewrite at the upstream away:',
      '  nft delete table ip dsr',
      'or, where it is a filter of tc,',
      '  tc filter del dev eth0 parent 10: protocol ip prio 10',
    ].join('\n'),
    touches: ['firewall', 'traffic-control'],
  },
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
      const removal = snapshot && removeRewrites(snapshot, rewrites, 'the router on the way rewrites these replies');
      return concludeFrom(broken, {
        host,
        summary: `${host} rewrites its replies although ${distinct(broken.map(({ step }) => step.host)).join(', ')} does so too, and drops them for it (${serviceList(broken)})`,
        evidence: rewrites.map((rewrite) => rewriteEvidence(host, rewrite)),
        cures: removal ? [removal] : [],
        verify: [`on ${host}: tcpdump -ni any udp port ${broken[0]?.walk.upstream.port}   # replies must leave from its own address`],
      });
    });
  },
};

export default rule;
