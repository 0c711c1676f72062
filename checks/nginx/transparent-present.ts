import { configEvidence, hitsFor } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: 'proxy_bind to the client\'s address says "transparent"',
  roles: ['proxy'],
  needs: [],
  why: 'Without the parameter nginx binds an ordinary socket to an address that its host does not have, and the kernel refuses: "bind(A) failed (99: Cannot assign requested address)", status 500.',
  fix: 'Write proxy_bind $remote_addr transparent; and reload.',
  run: (_, { services, host }) =>
    hitsFor(
      services.filter((service) => service.host === host),
      ({ bind }) => {
        if (!bind || bind.address === 'fixed') return [];
        const evidence = [configEvidence(host, `proxy_bind ${bind.text}`, bind.at)];
        if (bind.address === 'unknown')
          return [
            {
              status: 'unknown',
              message: `what proxy_bind ${bind.text} yields is decided per request: a trace shows the addresses`,
              evidence,
            },
          ];
        if (!bind.transparent) return [{ status: 'fail', message: `proxy_bind ${bind.text} lacks "transparent"`, evidence }];
        return [{ status: 'pass', message: `proxy_bind ${bind.text} is transparent`, evidence }];
      },
    ),
};

export default check;
