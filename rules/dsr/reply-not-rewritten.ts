import { concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { findMisfit } from '../../src/reasoning/misfit.js';
import { emptyQdisc } from '../../src/reasoning/tc-without-nat.js';
import { rewriting, unrewrittenReplies } from '../../src/reasoning/unrewritten.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'nothing rewrites the source of DSR replies',
  why: 'With Direct Server Return the upstream answers the client itself. The client only takes an answer from the address it asked, so a stateless rewrite of the source (tc nat or nft) must sit where the replies leave: on the router they pass, or on the upstream itself.',
  signs: {
    logs: 'nginx logs nothing, and status 200. On the client UdpNoPorts grows where its socket is connected (dig, most resolvers); others get an answer from a stranger and ignore it. IpForwDatagrams on the router grows as if all were well.',
    packets:
      'The client gets the answer, but from `172.16.0.11:53` instead of 192.168.99.10, with a TTL one less for each router. It may return ICMP port unreachable.',
  },
  proof:
    "The answer reaches the client's link with the upstream's address, and no rule on its way would change it. Not this: an answer that never leaves the router (dsr/forwarding-off, dsr/firewall-drops-reply). A capture at the router's inner link always shows the old address: the rewrite comes later.",
  cure: {
    how: [
      'Where the replies leave towards the clients, one filter for each upstream:',
      '  tc qdisc add dev eth0 root handle 10: htb',
      '  tc filter add dev eth0 parent 10: protocol ip prio 10 u32 match ip src 172.16.0.11 match ip sport 53 0xffff action nat egress 172.16.0.11 192.168.99.10',
      'Or with nftables: `notrack` in prerouting at priority raw, and `ip saddr set 192.168.99.10` in postrouting.',
    ].join('\n'),
    touches: ['traffic-control'],
  },
  run: (c) => {
    const nowhere = unrewrittenReplies(c).filter((reply) => reply.kind === 'nowhere' && !findMisfit(c, reply) && !emptyQdisc(c, reply));
    return [...groupBy(nowhere, ({ at }) => at)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `no rule on ${host}, nor elsewhere on the way, rewrites the source of the upstreams' replies to ${broken[0]?.walk.vip ?? 'the address that was asked'} (${serviceList(broken)})`,
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
