import { concludeFrom, serviceList } from '../../src/reasoning/broken.js';
import { misfitEvidence, misfittedReplies, replacing } from '../../src/reasoning/misfit.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'SNAT or MASQUERADE in place of a stateless rewrite',
  why: 'Connection tracking on nginx\x27s host knows the flow already, in the other direction: nginx itself opened it under the client\x27s address. The nat table is asked for new flows only, so the rule\x27s counter stays 0 and the reply leaves unchanged.',
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
