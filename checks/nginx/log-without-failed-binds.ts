import { ownServices, summarize } from '../../src/reasoning/hits.js';
import { logOpinion } from '../../src/reasoning/log-since-start.js';
import type { Check } from '../../src/types.js';

const check: Check<'nginx' | 'nginxErrors' | 'clock'> = {
  title: 'no bind to a client address failed',
  roles: ['proxy'],
  needs: ['nginx', 'nginxErrors', 'clock'],
  why: 'A bind that fails is a request with status 500, never tried again on another upstream: 99 "transparent" is missing, 98 the port is held, 13 a low client port, 22 another address family.',
  fix: '99: add "transparent". 98: no $remote_port over TCP. 13: lower ip_unprivileged_port_start. 22: one server block for each family.',
  run: (facts, scope) =>
    ownServices(scope).length === 0
      ? []
      : summarize([logOpinion(facts, { kinds: ['bind'], bad: 'fail', subject: 'bind() to a client address failed', host: scope.host })]),
};

export default check;
