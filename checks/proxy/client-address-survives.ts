import { evidenceOf, hitsFor, opinionsOn, ownServices, stepsHere } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: "the client's address leaves this host unchanged",
  roles: ['proxy'],
  needs: [],
  why: "MASQUERADE or SNAT for the upstreams' outbound traffic often catches nginx's own spoofed packets too. All works, with status 200, but the upstream sees this host's address.",
  fix: 'Exempt packets to the upstreams: iptables -t nat -I POSTROUTING -d UPSTREAMS -j ACCEPT, or match only packets from the upstreams.',
  run: (_, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const steps = stepsHere(scope, walk, 'forward');
        // A rule that cannot be told decides whether the next one is met at all.
        const unclear = steps.find((step) => step.code === 'firewall-unknown');
        if (unclear)
          return { status: 'unknown', message: `whether ${unclear.place} keeps it ${unclear.did}`, evidence: evidenceOf(unclear) };
        const replaced = steps.find((step) => step.code === 'source-masqueraded');
        if (replaced) return { status: 'fail', message: replaced.did, evidence: evidenceOf(replaced) };
        const left = steps.find((step) => step.code === 'routed');
        if (!left || steps.at(-1)?.outcome === 'broken') return undefined;
        return { status: 'pass', message: `no rule replaces it on ${left.out ?? 'the way out'}` };
      }),
    ),
};

export default check;
