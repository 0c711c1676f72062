import { configEvidence, hitsFor, ownServices } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: 'it is known which addresses the upstreams have',
  roles: ['proxy'],
  needs: [],
  why: 'nginx resolves upstream names once, when it starts. The path can only be predicted for addresses; names are looked up in /etc/hosts and nowhere else, since an answer from DNS now need not be what nginx got then.',
  fix: 'Write addresses into the upstream block, or put the name into /etc/hosts.',
  run: (_, scope) =>
    hitsFor(ownServices(scope), ({ upstreams, at }) => {
      const evidence = [configEvidence(scope.host, 'proxy_pass', at)];
      if (upstreams.length === 0)
        return [{ status: 'unknown', message: 'the upstream is decided per request, or is no address: a trace shows it', evidence }];
      return upstreams.map((upstream) => {
        const where = [configEvidence(scope.host, upstream.name, upstream.at)];
        if (upstream.address !== undefined) return { status: 'pass', message: 'every upstream has an address' };
        return {
          status: 'unknown',
          message: `${upstream.name} is not in /etc/hosts of ${scope.host}: name its address there`,
          evidence: where,
        };
      });
    }),
};

export default check;
