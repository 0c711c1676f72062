import { concludeFrom, serviceList } from '../../src/reasoning/broken.js';
import { misfitEvidence, misfittedReplies, replacing } from '../../src/reasoning/misfit.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'SNAT or MASQUERADE in place of a stateless rewrite',
  why: 'Connection tracking on nginx\x27s host knows the flow already, in the other direction: nginx itself opened it under the client\x27s address. The nat table is asked for new flows only, so the rule\x27s counter stays 0 and the reply leaves unchanged.',
  signs: {
    logs: "nginx logs nothing, and status 200. The SNAT rule's counter stays 0 while requests fail; UdpNoPorts grows on the clients.",
    packets: 'The client gets answers from `172.16.0.11:53`: unchanged. IpForwDatagrams grows: the answers do pass.',
  },
  proof:
    "A nat rule for this service's answers on the host where nginx opened the flow. On a router of its own, which sees nothing but answers, SNAT does work. A masquerade for the upstreams' other traffic is no such rule.",
  cure: {
    how: [
      'A rewrite without state; `notrack` keeps connection tracking away from the answers:',
      "  nft 'add table ip dsr'",
      "  nft 'add chain ip dsr untrack { type filter hook prerouting priority -300; }; add rule ip dsr untrack ip saddr 172.16.0.11-172.16.0.14 udp sport 53 notrack'",
      "  nft 'add chain ip dsr rewrite { type filter hook postrouting priority 300; }; add rule ip dsr rewrite ip saddr 172.16.0.11-172.16.0.14 udp sport 53 ip saddr set 192.168.99.10'",
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) =>
    [...misfittedReplies(c, 'stateful')].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `a nat rule on ${host} is meant to rewrite the DSR replies, but connection tracking never asks it (${serviceList(broken)})`,
        evidence: misfitEvidence(broken),
        cures: replacing(c, host, broken, []),
        verify: [
          `from the client: dig @${broken[0]?.walk.vip} -p ${broken[0]?.walk.service.listeners[0]?.port} . NS   # or this service's own client`,
        ],
      }),
    ),
};

export default rule;
