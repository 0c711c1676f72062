import { concludeFrom, serviceList } from '../../src/reasoning/broken.js';
import { misfitEvidence, misfittedReplies, replacing } from '../../src/reasoning/misfit.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the rewrite of DSR replies sits where they do not leave',
  why: 'A source address is rewritten where the reply leaves towards the client: on that link\x27s egress side, or after routing. On another link, or on the way in, the rule never sees the reply.',
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
