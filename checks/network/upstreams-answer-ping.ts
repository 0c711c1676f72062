import { sameAddress } from '../../src/net/address.js';
import { hitsFor, nameOf, type Opinion, ownServices } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<'pings'> = {
  title: 'upstreams answer a ping from nginx',
  roles: ['proxy'],
  needs: ['pings'],
  why: "An answer shows that layer 2 and the routes between this host's own address and the upstream work; it says nothing about packets under a client's address. Many hosts do not answer at all, so silence alone proves nothing.",
  fix: 'Compare with the neighbour table and the links; where pings are filtered on purpose, ignore this.',
  run: ({ pings }, scope) =>
    hitsFor(ownServices(scope), ({ upstreams }) =>
      upstreams.flatMap((upstream): Opinion[] => {
        const tries = pings.filter(({ to }) => sameAddress(to, upstream.address));
        const [first] = tries;
        if (!first) return [];
        const evidence = [{ host: scope.host, what: first.text, source: `ping ${first.to}` }];
        return tries.some(({ ok }) => ok)
          ? [{ status: 'pass', message: 'they answer', evidence }]
          : [{ status: 'warn', about: nameOf(upstream), message: 'no answer', evidence }];
      }),
    ),
};

export default check;
