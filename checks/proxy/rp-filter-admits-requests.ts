import { evidenceOf, hitsFor, opinionsByClient, ownServices, stepsHere } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: "source validation admits the clients' requests",
  roles: ['proxy'],
  needs: [],
  why: 'A request that comes in on a link where the way back to its client does not lead is dropped by strict rp_filter before nginx sees it.',
  fix: 'Mend the route to the clients, or set rp_filter=2 on the link they come in on.',
  run: (_, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsByClient(scope, service, (walk) => {
        const steps = stepsHere(scope, walk, 'request');
        const dropped = steps.find((step) => step.code === 'source-invalid');
        if (dropped) return { status: 'fail', about: walk.client, message: dropped.did, evidence: evidenceOf(dropped) };
        const heard = steps.find((step) => step.code === 'listening');
        return heard?.packet.family === 4 ? { status: 'pass', message: `${heard.in ?? 'the link'} admits them` } : undefined;
      }),
    ),
};

export default check;
