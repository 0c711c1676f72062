import { concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { findMisfit } from '../../src/reasoning/misfit.js';
import { rewriting, unrewrittenReplies } from '../../src/reasoning/unrewritten.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the rewrite of DSR replies covers only some upstreams',
  why: 'Replies of the upstreams that a rewrite covers reach their clients from the address that was asked; those of the others come from the upstream and are refused. nginx cannot notice, so a fixed share of the requests fails.',
  signs: {
    logs: 'nginx logs nothing. A fixed share of the requests fails, one in four with four upstreams, and retries hide it. On the clients UdpNoPorts grows by that share.',
    packets: 'The client gets answers from 192.168.99.10, and some from `172.16.0.14:53`, which it refuses.',
  },
  proof:
    'The answers of one upstream leave unchanged and those of others do not. A `tc … action nat` whose match is a prefix must be looked at twice: it keeps the host bits, so that one filter cannot serve several upstreams (dsr/rewrite-wrong-address).',
  cure: {
    how: [
      'A filter for each upstream that has none:',
      '  tc -s filter show dev eth0 parent 10:',
      '  tc filter add dev eth0 parent 10: protocol ip prio 10 u32 match ip src 172.16.0.14 match ip sport 53 0xffff action nat egress 172.16.0.14 192.168.99.10',
    ].join('\n'),
    touches: ['traffic-control'],
  },
  run: (c) => {
    const missed = unrewrittenReplies(c).filter((reply) => reply.kind === 'misses-upstream' && !findMisfit(c, reply));
    return [...groupBy(missed, ({ at }) => at)].map(([host, broken]) => {
      const upstreams = distinct(broken.map(({ walk }) => walk.upstream.name));
      return concludeFrom(broken, {
        host,
        summary: `the rewrite on ${host} does not cover ${list(upstreams)}, whose replies reach the client unchanged (${serviceList(broken)})`,
        cures: rewriting(c, host, broken),
        verify: distinct(
          broken.map(
            ({ walk }) =>
              `from the client, until every upstream was met: dig @${walk.vip} -p ${walk.service.listeners[0]?.port ?? walk.upstream.port} . NS`,
          ),
        ),
      });
    });
  },
};

export default rule;
