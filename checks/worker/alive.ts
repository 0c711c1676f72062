import { distinct } from '../../src/reasoning/broken.js';
import { masterOf, ownServices, summarize } from '../../src/reasoning/hits.js';
import type { Check, Evidence, NginxMaster } from '../../src/types.js';

const check: Check<'nginx'> = {
  title: 'workers are alive',
  roles: ['proxy'],
  needs: ['nginx'],
  why: 'A master whose workers died still holds the listening sockets: clients connect and hang. Workers exit with code 2 when capset() refuses CAP_NET_RAW.',
  fix: 'Read the error log for "exited with fatal code", mend what it names (often CapabilityBoundingSet= or container options) and start nginx again.',
  run: ({ nginx }, scope) => {
    const masters = distinct(ownServices(scope).flatMap((service) => masterOf(service, nginx.masters) ?? []));
    return masters.flatMap((master) => summarize([judge(master, scope.host)]));
  },
};

function judge(master: NginxMaster, host: string) {
  const count = master.workers.length;
  const evidence: Evidence[] = [{ host, what: `CapBnd: ${master.boundingCapabilities}`, source: `/proc/${master.pid}/status` }];
  if (count === 0) return { status: 'fail' as const, message: `master ${master.pid} has no worker left`, evidence };
  return { status: 'pass' as const, message: `master ${master.pid} has ${count} ${count === 1 ? 'worker' : 'workers'}` };
}

export default check;
