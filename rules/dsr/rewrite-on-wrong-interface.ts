import { concludeFrom, serviceList } from '../../src/reasoning/broken.js';
import { misfitEvidence, misfittedReplies, replacing } from '../../src/reasoning/misfit.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the rewrite of DSR replies sits where they do not leave',
  why: 'A source address is rewritten where the reply leaves towards the client: on that link\x27s egress side, or after routing. On another link, or on the way in, the rule never sees the reply.',
  signs: {
    logs: "nginx logs nothing, and status 200. The rule's own counter stands still while requests fail; UdpNoPorts grows on the clients.",
    packets: 'The client gets answers from `172.16.0.11:53`: unchanged.',
  },
  proof:
    'The rule fits the answers, but sits on another link than they leave by, or on the way in (ingress). A rule whose counter grows serves something and is left alone. A capture on the right link, taken after egress hooks, shows the final address.',
  cure: {
    how: [
      'See by which link the answers leave, and move the rule there, to its egress side:',
      '  ip route get 192.168.99.50',
      '  tc qdisc add dev eth0 root handle 10: htb',
      '  tc filter add dev eth0 parent 10: protocol ip prio 10 u32 match ip src 172.16.0.11 match ip sport 53 0xffff action nat egress 172.16.0.11 192.168.99.10',
    ].join('\n'),
    touches: ['traffic-control', 'firewall'],
  },
  run: (c) =>
    [...misfittedReplies(c, 'interface')].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `the rewrite on ${host} sits where the replies do not leave (${serviceList(broken)})`,
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
