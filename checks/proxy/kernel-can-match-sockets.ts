import { hitsFor, type Opinion, opinionsOn, ownServices, stepsHere } from '../../src/reasoning/hits.js';
import type { Check, KernelFeatures } from '../../src/types.js';

const check: Check<'kernelFeatures'> = {
  title: 'the kernel can tell replies by their socket',
  roles: ['proxy'],
  needs: ['kernelFeatures'],
  why: 'One rule with "-m socket --transparent" (nft: socket transparent 1) marks the replies of all services, and ICMP errors with them. Rules by address and port do as well, one for each service.',
  fix: 'Install the package with the extra modules of this kernel (xt_socket or nft_socket), or mark by -s and --sport.',
  run: ({ kernelFeatures }, scope) =>
    hitsFor(
      ownServices(scope).filter((service) => service.mode === 'transparent'),
      (service) =>
        opinionsOn(scope, service, (walk) => {
          const reply = stepsHere(scope, walk, 'reply');
          if (reply.some((step) => step.code === 'taken-in')) return { status: 'pass', message: 'replies are told already' };
          return reply.some((step) => step.code === 'not-taken-in' && step.packet.mark === 0)
            ? judge(kernelFeatures, scope.host)
            : undefined;
        }),
    ),
};

/** Needed only while no rule marks the replies, and by no means the only way then. */
function judge({ release, features: { xt_socket, nft_socket } }: KernelFeatures, host: string): Opinion | undefined {
  if (xt_socket || nft_socket) return { status: 'pass', message: 'xt_socket or nft_socket is there' };
  if (xt_socket === undefined || nft_socket === undefined) return undefined;
  const evidence = [{ host, what: 'neither xt_socket nor nft_socket', source: `kernel ${release}` }];
  return { status: 'warn', message: 'without xt_socket and nft_socket replies can be marked by address and port only', evidence };
}

export default check;
