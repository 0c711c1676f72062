import { hasNetRaw, maySpoof } from '../../src/path/legs/nginx.js';
import { distinct } from '../../src/reasoning/broken.js';
import { masterOf, type Opinion, summarize } from '../../src/reasoning/hits.js';
import type { Check, NginxMaster } from '../../src/types.js';

const check: Check<'nginx'> = {
  title: 'CAP_NET_RAW is in the bounding set of nginx',
  roles: ['proxy'],
  needs: ['nginx'],
  why: 'A root master raises CAP_NET_RAW in its unprivileged workers when the configuration says "transparent". Outside the bounding set capset() fails and each worker exits at once, also those of the next reload.',
  fix: 'Add CAP_NET_RAW to CapabilityBoundingSet= of the unit, or to the capabilities of the container, and start nginx again.',
  run: ({ nginx }, { services, host }) => {
    const transparent = services.filter((service) => service.host === host && service.bind?.transparent);
    const masters = distinct(transparent.flatMap((service) => masterOf(service, nginx.masters) ?? []));
    return masters.flatMap((master) =>
      summarize([
        { ...judge(master), evidence: [{ host, what: `CapBnd: ${master.boundingCapabilities}`, source: `/proc/${master.pid}/status` }] },
      ]),
    );
  },
};

/** Workers that stay root call no capset() and may use CAP_NET_ADMIN instead (ngx_worker_process_init). */
function judge({ pid, boundingCapabilities, workers }: NginxMaster): Opinion {
  if (hasNetRaw(boundingCapabilities)) return { status: 'pass', message: `master ${pid} may hand CAP_NET_RAW on` };
  if (workers.length === 0)
    return { status: 'fail', message: `CAP_NET_RAW is outside the bounding set of master ${pid}, and its workers died` };
  if (workers.every((worker) => worker.uid === 0 && maySpoof(worker.effectiveCapabilities)))
    return { status: 'pass', message: `master ${pid} lacks CAP_NET_RAW, which its root workers with CAP_NET_ADMIN do not need` };
  return { status: 'warn', message: `CAP_NET_RAW is outside the bounding set of master ${pid}: workers of the next reload will die` };
}

export default check;
