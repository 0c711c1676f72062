import { reversePathFilter } from '../../src/path/sysctls.js';
import { answeredHere, evidenceOf, hitsFor, opinionsByClient, servedHere, stepsHere, sysctlEvidence } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<'sysctls'> = {
  title: "source validation admits requests under the clients' addresses",
  roles: ['upstream'],
  needs: ['sysctls'],
  why: "The request bears the client's address and comes from nginx's side. Strict rp_filter drops it where the way back to the client leads elsewhere, loose mode where there is no way at all. A capture on this host still shows it.",
  fix: 'Route the clients by way of nginx, or set rp_filter=2 on the link; the larger of "all" and the link counts.',
  run: ({ sysctls }, scope) =>
    hitsFor(servedHere(scope), (service) =>
      opinionsByClient(scope, service, (walk) => {
        const decision = stepsHere(scope, walk, 'forward').find(({ code }) => code === 'taken-in' || code === 'source-invalid');
        if (!answeredHere(scope, walk) || decision?.in === undefined || decision.packet.family !== 4) return undefined;
        const keys = ['all', decision.in].map((link) => `net/ipv4/conf/${link}/rp_filter`);
        const evidence = [...evidenceOf(decision), ...sysctlEvidence(scope.host, sysctls, keys)];
        if (decision.code === 'source-invalid') return { status: 'fail', about: walk.client, message: decision.did, evidence };
        const value = reversePathFilter(sysctls, decision.in);
        return { status: 'pass', message: `${decision.in} admits them with an effective rp_filter of ${value}`, evidence };
      }),
    ),
};

export default check;
