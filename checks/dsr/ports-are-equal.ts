import { configEvidence, hitsFor, nameOf, opinionsOn, ownServices } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: 'upstreams use the port that clients ask',
  roles: ['proxy'],
  needs: [],
  why: "tc nat rewrites addresses and no ports: the reply's source port is the upstream's, and the client takes only the one it asked. nft can rewrite both.",
  fix: "Let upstreams listen on the service's port, or rewrite with nft: ip saddr set VIP udp sport set PORT.",
  run: (_, scope) =>
    hitsFor(
      ownServices(scope).filter((service) => service.mode.startsWith('dsr')),
      (service) =>
        opinionsOn(scope, service, ({ upstream, steps }) => {
          const ports = service.listeners.map(({ port }) => port);
          const evidence = [configEvidence(scope.host, `server ${upstream.name}`, upstream.at)];
          if (ports.includes(upstream.port)) return { status: 'pass', message: 'ports are equal', evidence };
          const message = `${nameOf(upstream)} is asked on port ${ports.join(', ')}`;
          const end = steps.at(-1)?.code;
          if (end === 'delivered') return { status: 'pass', message: `${message}, and a rewrite turns the port as well`, evidence };
          return { status: end === 'wrongly-rewritten' ? 'fail' : 'warn', message, evidence };
        }),
    ),
};

export default check;
