import { forwards } from '../../src/path/sysctls.js';
import { ownServices, summarize, sysctlEvidence } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<'sysctls'> = {
  title: 'this host forwards for the upstreams whose gateway it is',
  roles: ['proxy'],
  needs: ['sysctls'],
  why: "With this host as their gateway the upstreams' own traffic (updates, DNS, APIs) dies here unless the kernel forwards it; private addresses need MASQUERADE as well. Method 1 itself needs no forwarding.",
  fix: "sysctl net.ipv4.ip_forward=1 and a MASQUERADE rule for the upstreams on the outer link, exempt nginx's own packets.",
  run: ({ sysctls }, scope) => {
    const own = new Set(ownServices(scope));
    const arrivals = scope.walks
      .filter(({ service }) => own.has(service))
      .flatMap((walk) =>
        walk.steps.filter((step) => step.leg === 'reply' && step.host === scope.host && step.in !== undefined).slice(0, 1),
      );
    return summarize(
      arrivals.map(({ in: link = 'all', packet: { family } }) => {
        const keys = family === 6 ? ['net/ipv6/conf/all/forwarding'] : ['net/ipv4/ip_forward', `net/ipv4/conf/${link}/forwarding`];
        const evidence = sysctlEvidence(scope.host, sysctls, keys);
        if (!forwards(sysctls, link, family))
          return {
            status: 'warn',
            message: `IPv${family} from ${link} is not forwarded: upstreams that need the outside do not reach it`,
            evidence,
          };
        return {
          status: 'pass',
          message: `IPv${family} from ${link} is forwarded; --outbound tries whether the outside answers`,
          evidence,
        };
      }),
    );
  },
};

export default check;
