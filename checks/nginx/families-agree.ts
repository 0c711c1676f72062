import { familyOf } from '../../src/net/address.js';
import { configEvidence, hitsFor, nameOf, opinionsOn, ownServices } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: 'clients and upstreams are of one address family',
  roles: ['proxy'],
  needs: [],
  why: 'A socket bound to an IPv6 client cannot reach an IPv4 upstream, nor the other way round: nginx answers 500, with "setsockopt(IPV6_TRANSPARENT) failed (92…" or "bind(…) failed (22…" in its log.',
  fix: 'Write one server block for each family, each with upstreams of its own family.',
  run: (_, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsOn(scope, service, ({ client, clientAssumed, upstream }) => {
        const family = familyOf(client);
        if (upstream.family === undefined) return undefined;
        const evidence = [configEvidence(scope.host, `server ${upstream.name}`, upstream.at)];
        if (upstream.family === family) return { status: 'pass', message: `clients and upstreams are IPv${family}`, evidence };
        const message = `${nameOf(upstream)} cannot be reached under an IPv${family} address`;
        return clientAssumed
          ? { status: 'warn', message: `${message}, which the listener admits`, evidence }
          : { status: 'fail', message: `${message} such as ${client}`, evidence };
      }),
    ),
};

export default check;
