import { concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { findMisfit } from '../../src/reasoning/misfit.js';
import { rewriting, unrewrittenReplies } from '../../src/reasoning/unrewritten.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'nothing rewrites the source of DSR replies',
  why: 'With Direct Server Return the upstream answers the client itself. The client only takes an answer from the address it asked, so a stateless rewrite of the source (tc nat or nft) must sit where the replies leave: on the router they pass, or on the upstream itself.',
  run: (c) => {
    const nowhere = unrewrittenReplies(c).filter((reply) => reply.kind === 'nowhere' && !findMisfit(c, reply));
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
