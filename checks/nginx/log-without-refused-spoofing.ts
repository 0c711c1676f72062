import { ownServices, summarize } from '../../src/reasoning/hits.js';
import { logOpinion } from '../../src/reasoning/log-since-start.js';
import type { Check } from '../../src/types.js';

const check: Check<'nginx' | 'nginxErrors' | 'clock'> = {
  title: 'no worker was refused a transparent socket',
  roles: ['proxy'],
  needs: ['nginx', 'nginxErrors', 'clock'],
  why: '"setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted)" is the kernel saying that the worker has no capability for it; errno 92 with IPV6_TRANSPARENT is an IPv6 client with an IPv4 upstream. Each line is a request with status 500.',
  fix: 'errno 1: give the workers CAP_NET_RAW. errno 92: one server block for each family.',
  run: (facts, scope) =>
    ownServices(scope).length === 0
      ? []
      : summarize([
          logOpinion(facts, {
            kinds: ['setsockopt-transparent'],
            bad: 'fail',
            subject: 'setsockopt() for a transparent socket failed',
            host: scope.host,
          }),
        ]),
};

export default check;
