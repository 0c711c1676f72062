import { concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { findMisfit } from '../../src/reasoning/misfit.js';
import { rewriting, unrewrittenReplies } from '../../src/reasoning/unrewritten.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the rewrite of DSR replies covers only some upstreams',
  why: 'Replies of the upstreams that a rewrite covers reach their clients from the address that was asked; those of the others come from the upstream and are refused. nginx cannot notice, so a fixed share of the requests fails.',
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
