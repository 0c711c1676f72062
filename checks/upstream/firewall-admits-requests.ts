import { answeredHere, firewallOpinion, hitsFor, opinionsByClient, servedHere, stepsHere } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: "the firewall admits requests under the clients' addresses",
  roles: ['upstream'],
  needs: [],
  why: "Rules that admit only nginx's address worked with an ordinary proxy. With transparency the packets bear the clients' addresses.",
  fix: 'Admit the clients (on the link towards nginx) to the port of the service.',
  run: (_, scope) =>
    hitsFor(servedHere(scope), (service) =>
      opinionsByClient(scope, service, (walk) =>
        answeredHere(scope, walk) ? firewallOpinion(stepsHere(scope, walk, 'forward'), `requests of ${walk.client}`) : undefined,
      ),
    ),
};

export default check;
