import { everything } from '../../src/net/prefix.js';
import { forwards } from '../../src/path/sysctls.js';
import { ownServices, summarize, sysctlEvidence } from '../../src/reasoning/hits.js';
import type { Check, Family, Route, Scope, Step } from '../../src/types.js';

const check: Check<'sysctls' | 'routes'> = {
  title: 'this host forwards for the upstreams whose gateway it is',
  roles: ['proxy'],
  needs: ['sysctls', 'routes'],
  why: "With this host as their gateway the upstreams' own traffic (updates, DNS, APIs) dies here unless the kernel forwards it; private addresses need MASQUERADE as well. Method 1 itself needs no forwarding.",
  fix: "sysctl net.ipv4.ip_forward=1 and a MASQUERADE rule for the upstreams on the outer link, exempt nginx's own packets.",
  run: ({ sysctls, routes }, scope) =>
    summarize(
      arrivals(scope)
        .filter(({ packet }) => hasOutside(routes, packet.family))
        .map(({ in: link = 'all', packet: { family } }) => {
          const keys = family === 6 ? ['net/ipv6/conf/all/forwarding'] : ['net/ipv4/ip_forward', `net/ipv4/conf/${link}/forwarding`];
          const evidence = sysctlEvidence(scope.host, sysctls, keys);
          const from = `IPv${family} from ${link}`;
          if (forwards(sysctls, link, family))
            return { status: 'pass', message: `${from} is forwarded; --outbound tries whether the outside answers`, evidence };
          return { status: 'warn', message: `${from} is not forwarded: upstreams that need the outside do not reach it`, evidence };
        }),
    ),
};

/** Where replies of this host's own upstreams come in: these upstreams have it as their gateway. */
function arrivals(scope: Scope): Step[] {
  const own = new Set(ownServices(scope));
  return scope.walks
    .filter(({ service }) => own.has(service))
    .flatMap((walk) => walk.steps.find((step) => step.leg === 'reply' && step.host === scope.host && step.in !== undefined) ?? []);
}

/** Without a default route of its own this host has no outside to lead to. */
function hasOutside(routes: readonly Route[], family: Family): boolean {
  return routes.some((route) => route.type === 'unicast' && route.table === 'main' && route.to === everything(family));
}

export default check;
