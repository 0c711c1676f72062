import { answeredHere, firewallOpinion, hitsFor, opinionsByClient, servedHere, stepsHere } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: 'the firewall lets replies to the clients out',
  roles: ['upstream'],
  needs: [],
  why: "Replies are addressed to the clients. A strict OUTPUT chain that knows only nginx's address keeps them in.",
  fix: 'Let established connections out, or packets from the port of the service.',
  run: (_, scope) =>
    hitsFor(servedHere(scope), (service) =>
      opinionsByClient(scope, service, (walk) =>
        answeredHere(scope, walk) ? firewallOpinion(stepsHere(scope, walk, 'reply'), `replies to ${walk.client}`) : undefined,
      ),
    ),
};

export default check;
