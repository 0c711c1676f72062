import { sameAddress } from '../../src/net/address.js';
import { distinct } from '../../src/reasoning/broken.js';
import { type Opinion, ownServices, summarize } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<'pings'> = {
  title: 'clients answer a ping from nginx',
  roles: ['proxy'],
  needs: ['pings'],
  why: 'An answer shows that this host reaches the client. Most clients sit behind a filter that does not answer, so silence alone proves nothing.',
  fix: 'Look at the route to the client; where pings are filtered on purpose, ignore this.',
  run: ({ pings }, scope) => {
    const own = new Set(ownServices(scope));
    const clients = distinct(
      scope.walks.filter(({ service, clientAssumed }) => own.has(service) && !clientAssumed).map(({ client }) => client),
    );
    return summarize(
      clients.flatMap((client): Opinion[] => {
        const tries = pings.filter(({ to }) => sameAddress(to, client));
        const [first] = tries;
        if (!first) return [];
        const evidence = [{ host: scope.host, what: first.text, source: `ping ${first.to}` }];
        return tries.some(({ ok }) => ok)
          ? [{ status: 'pass', message: 'they answer', evidence }]
          : [{ status: 'warn', about: client, message: 'no answer', evidence }];
      }),
    );
  },
};

export default check;
