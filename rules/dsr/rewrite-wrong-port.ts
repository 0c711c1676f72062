import { concludeFrom, serviceList } from '../../src/reasoning/broken.js';
import { misfitEvidence, misfittedReplies, replacing } from '../../src/reasoning/misfit.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'the rewrite of DSR replies matches another port or protocol',
  why: 'A rewrite is there, but the port or protocol that it asks for is not that of the replies. Replies come from the upstream\x27s own port: they pass unchanged, and the client refuses them.',
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
