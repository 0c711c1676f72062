import { sysctl } from '../../src/path/sysctls.js';
import { hitsFor, opinionsOn, ownServices, stepsHere, sysctlEvidence } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const keys = ['net/ipv4/ip_early_demux', 'net/ipv4/udp_early_demux'];

const check: Check<'sysctls'> = {
  title: "replies that are forwarded are not attached to nginx's sockets",
  roles: ['proxy'],
  needs: ['sysctls'],
  why: "With early demux a reply that comes while nginx's socket under the client's address is still open is attached to it, and forwarding drops it, uncounted. Fast upstreams lose one answer in ten.",
  fix: 'sysctl net.ipv4.udp_early_demux=0',
  run: ({ sysctls }, scope) =>
    hitsFor(
      ownServices(scope).filter((service) => service.mode.startsWith('dsr')),
      (service) =>
        opinionsOn(scope, service, (walk) => {
          if (!stepsHere(scope, walk, 'reply').some(({ code }) => code === 'forwarded')) return undefined;
          const evidence = sysctlEvidence(scope.host, sysctls, keys);
          return keys.every((key) => sysctl(sysctls, key) > 0)
            ? {
                status: 'warn',
                message: "this host forwards the replies to its own requests, and early demux takes some of them for nginx's",
                evidence,
              }
            : { status: 'pass', message: 'no socket is looked up before the routing decision', evidence };
        }),
    ),
};

export default check;
