import { capabilityProvenance, maySpoof } from '../../src/path/legs/nginx.js';
import { list } from '../../src/reasoning/broken.js';
import { hitsFor, masterOf } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<'nginx'> = {
  title: 'worker may bind to foreign addresses',
  roles: ['proxy'],
  needs: ['nginx'],
  why: 'IP_TRANSPARENT needs CAP_NET_RAW or CAP_NET_ADMIN in the effective set of the running worker; whether the worker is root does not matter. Without it every request ends with status 500 and "setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted)".',
  fix: 'Start the master as root (nginx 1.13.8 and newer then leave CAP_NET_RAW to the workers), or let older ones run with "user root".',
  run: ({ nginx }, { services, host }) =>
    hitsFor(
      services.filter((service) => service.host === host && service.bind?.transparent),
      (service) => {
        const workers = masterOf(service, nginx.masters)?.workers ?? [];
        const unable = workers.filter((worker) => !maySpoof(worker.effectiveCapabilities));
        const shown = (unable.length > 0 ? unable : workers).slice(0, 4);
        const evidence = shown.map((worker) => ({ host, ...capabilityProvenance(worker) }));
        if (workers.length === 0) return [];
        if (unable.length === 0) return [{ status: 'pass', message: 'every worker has CAP_NET_RAW or CAP_NET_ADMIN', evidence }];
        const pids = list(unable.map((worker) => String(worker.pid)));
        return [{ status: 'fail', message: `worker ${pids} has neither CAP_NET_RAW nor CAP_NET_ADMIN`, evidence }];
      },
    ),
};

export default check;
