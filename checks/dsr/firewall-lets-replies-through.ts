import { dsrServices } from '../../src/reasoning/dsr-way.js';
import { firewallOpinion, hitsFor, nameOf, opinionsByClient, stepsHere } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: 'the firewall lets replies to the clients through',
  roles: ['proxy', 'router'],
  needs: [],
  why: 'Replies of Direct Server Return are forwarded, and a router that did not see the request counts them as new or invalid. A FORWARD policy of drop, as container engines set it, stops them.',
  fix: 'Accept packets from the upstreams with the source port of the service in FORWARD, by "untracked" where they are exempt from tracking.',
  run: (_, scope) =>
    hitsFor(dsrServices(scope), (service) =>
      opinionsByClient(scope, service, (walk) => {
        const steps = stepsHere(scope, walk, 'reply');
        const own = walk.steps.find(({ leg }) => leg === 'reply')?.host === scope.host;
        return own ? undefined : firewallOpinion(steps, `replies of ${nameOf(walk.upstream)}`);
      }),
    ),
};

export default check;
