import { ownServices, summarize } from '../../src/reasoning/hits.js';
import { logOpinion } from '../../src/reasoning/log-since-start.js';
import type { Check } from '../../src/types.js';

const check: Check<'nginx' | 'nginxErrors' | 'clock'> = {
  title: 'no upstream times out',
  roles: ['proxy'],
  needs: ['nginx', 'nginxErrors', 'clock'],
  why: 'A timeout is what most faults of a return path look like: the request or the reply is lost somewhere. It can as well be a slow upstream, so the path decides, not the line.',
  fix: 'Look at the findings about routes, marks and filters of the upstream that is named; if all are well, packets decide where it is lost.',
  run: (facts, scope) =>
    ownServices(scope).length === 0
      ? []
      : summarize([logOpinion(facts, { kinds: ['upstream-timeout'], bad: 'warn', subject: 'an upstream timed out', host: scope.host })]),
};

export default check;
