import { concludeFrom, serviceList } from '../../src/reasoning/broken.js';
import { misfitEvidence, misfittedReplies, replacing } from '../../src/reasoning/misfit.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the rewrite of DSR replies matches another port or protocol',
  why: 'A rewrite is there, but the port or protocol that it asks for is not that of the replies. Replies come from the upstream\x27s own port: they pass unchanged, and the client refuses them.',
  signs: {
    logs: "nginx logs nothing, and status 200. The rule's counter stands still while requests fail; UdpNoPorts grows on the clients.",
    packets:
      "The client gets answers from `172.16.0.11:53`: unchanged. Answers have the service's port as source port, not as destination port.",
  },
  proof:
    'The rule fits the answers in all but port or protocol and serves no other service. Not this: later fragments of large answers, which have no port and therefore miss a rule that asks for one, while small answers are rewritten.',
  cure: {
    how: [
      "Match the upstreams' own port, as source:",
      '  tc filter add dev eth0 parent 10: protocol ip prio 10 u32 match ip src 172.16.0.11 match ip sport 53 0xffff action nat egress 172.16.0.11 192.168.99.10',
    ].join('\n'),
    touches: ['traffic-control', 'firewall'],
  },
  run: (c) =>
    [...misfittedReplies(c, 'port')].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `the rewrite on ${host} asks for another port or protocol than the replies have (${serviceList(broken)})`,
        evidence: misfitEvidence(broken),
        cures: replacing(
          c,
          host,
          broken,
          broken.map(({ misfit }) => misfit.rewrite),
        ),
        verify: [
          `from the client: dig @${broken[0]?.walk.vip} -p ${broken[0]?.walk.service.listeners[0]?.port} . NS   # or this service's own client`,
        ],
      }),
    ),
};

export default rule;
