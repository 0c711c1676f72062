import { ownServices, summarize } from '../../src/reasoning/hits.js';
import { logOpinion } from '../../src/reasoning/log-since-start.js';
import type { Check } from '../../src/types.js';

const check: Check<'nginx' | 'nginxErrors' | 'clock'> = {
  title: 'no worker died',
  roles: ['proxy'],
  needs: ['nginx', 'nginxErrors', 'clock'],
  why: '"capset() failed" followed by "exited with fatal code 2 and cannot be respawned" means that CAP_NET_RAW is outside the bounding set: the master goes on listening and nobody accepts. A "setgid() failed" before it means that CAP_SETGID or CAP_SETUID is missing there.',
  fix: 'Put the capability that is missing (CAP_NET_RAW, CAP_SETGID, CAP_SETUID) into the bounding set of the unit or container and start nginx again.',
  run: (facts, scope) =>
    ownServices(scope).length === 0
      ? []
      : summarize([
          logOpinion(facts, {
            kinds: ['capset', 'worker-user', 'worker-died'],
            bad: 'fail',
            subject: 'a worker died or could not take its user or capabilities',
            host: scope.host,
          }),
        ]),
};

export default check;
