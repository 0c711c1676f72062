import { firewallOpinion, hitsFor, opinionsByClient, ownServices, stepsHere } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: "the firewall admits the clients' requests",
  roles: ['proxy'],
  needs: [],
  why: 'What INPUT drops never reaches nginx; neither its logs nor the upstreams show anything.',
  fix: "Accept the service's port in INPUT before the rule that drops.",
  run: (_, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsByClient(scope, service, (walk) => firewallOpinion(stepsHere(scope, walk, 'request'), `requests of ${walk.client}`)),
    ),
};

export default check;
