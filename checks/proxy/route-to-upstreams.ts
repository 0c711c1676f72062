import { evidenceOf, hitsFor, nameOf, opinionsOn, ownServices, stepsHere } from '../../src/reasoning/hits.js';
import type { Check } from '../../src/types.js';

const check: Check<never> = {
  title: 'there is a route to each upstream',
  roles: ['proxy'],
  needs: [],
  why: 'Without one connect() fails at once. An upstream on this very host is reached over lo: its replies never cross PREROUTING, so no rule there can mark them.',
  fix: 'Add the route; for an upstream on this host mark in OUTPUT, or add "ip rule add from ADDRESS iif lo ipproto tcp sport PORT lookup 100".',
  run: (_, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const step = stepsHere(scope, walk, 'forward').find(({ place }) => place === 'route');
        if (!step) return undefined;
        const evidence = evidenceOf(step);
        const upstream = nameOf(walk.upstream);
        const escaped = walk.steps.find(({ code }) => code === 'upstream-on-this-host');
        if (escaped)
          return { status: 'fail', about: upstream, message: 'is on this host, and its replies leave it', evidence: evidenceOf(escaped) };
        const astray = walk.steps.find(({ code }) => code === 'astray');
        if (astray) return { status: 'fail', about: upstream, message: 'is not where the route leads', evidence: evidenceOf(astray) };
        if (step.code === 'routed') return { status: 'pass', message: `they are reached on ${step.out ?? 'a link'}`, evidence };
        if (step.code === 'no-route') return { status: 'fail', about: upstream, message: 'no route', evidence };
        return { status: 'unknown', message: step.did, evidence };
      }),
    ),
};

export default check;
