import { concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { findMisfit } from '../../src/reasoning/misfit.js';
import { emptyQdisc, emptyQdiscEvidence } from '../../src/reasoning/tc-without-nat.js';
import { rewriting, unrewrittenReplies } from '../../src/reasoning/unrewritten.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the kernel lacks what the rewrite of DSR replies is made of',
  why: 'A tc filter rewrites addresses by the action `nat` (act_nat). Kernels of small and of cloud machines are built without it, or keep it in a package of its own: the queueing discipline is set up, the filter that belongs on it is refused, and the replies pass as they are.',
  signs: {
    logs: '`tc filter add … action nat …` ends with `Error: Failed to load TC action module.` and `We have an error talking to the kernel`; a script that goes on hides it. nginx logs nothing, and status 200.',
    packets: 'The client gets the answer from `172.16.0.11:53` instead of 192.168.99.10, as if there were no rewrite: there is none.',
  },
  proof:
    'On the link where the replies leave there is a discipline that can bear filters and not one filter, and neither the configuration nor the modules of the running kernel know act_nat. Not this: a kernel that has it, or filters that match something else; then the rule is to be corrected (dsr/reply-not-rewritten and its neighbours).',
  cure: {
    how: [
      'Look what the kernel has, then rewrite by nftables, which needs no such module:',
      '  tc filter show dev eth0',
      "  nft 'add table ip dsr'",
      "  nft 'add chain ip dsr untrack { type filter hook prerouting priority -300; }; add rule ip dsr untrack ip saddr 172.16.0.11-172.16.0.14 udp sport 53 notrack'",
      "  nft 'add chain ip dsr rewrite { type filter hook postrouting priority 300; }; add rule ip dsr rewrite ip saddr 172.16.0.11-172.16.0.14 udp sport 53 ip saddr set 192.168.99.10'",
      'Or install the package with the rest of the modules and load the filter again.',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) => {
    const unloaded = unrewrittenReplies(c).filter((reply) => reply.kind === 'nowhere' && !findMisfit(c, reply) && emptyQdisc(c, reply));
    return [...groupBy(unloaded, ({ at }) => at)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `tc on ${host} was set up to rewrite the replies, but its kernel has no act_nat and no filter is there (${serviceList(broken)})`,
        because: ['without act_nat the kernel refuses a filter with `action nat`'],
        evidence: broken.slice(0, 1).flatMap((reply) => {
          const qdisc = emptyQdisc(c, reply);
          return qdisc ? emptyQdiscEvidence(c, host, qdisc) : [];
        }),
        cures: rewriting(c, host, broken),
        verify: distinct(
          broken.map(
            ({ walk }) =>
              `from the client: dig @${walk.vip} -p ${walk.service.listeners[0]?.port ?? walk.upstream.port} . NS   # or this service's own client`,
          ),
        ),
      }),
    );
  },
};

export default rule;
