import { hitsFor, nameOf, type Opinion, opinionsOn, ownServices } from '../../src/reasoning/hits.js';
import type { Check, Walk } from '../../src/types.js';

const check: Check<never> = {
  title: 'every host on the way was looked at',
  roles: ['proxy'],
  needs: [],
  why: 'A host that nobody named is assumed to do its part. Faults on it, an upstream or a router, cannot be found from here.',
  fix: 'Name the host with --host NAME=TARGET, or add a snapshot that was taken there.',
  run: (_, scope) => hitsFor(ownServices(scope), (service) => opinionsOn(scope, service, judge)),
};

function judge({ steps, upstream, end }: Walk): Opinion | undefined {
  const unseen = steps.find((step) => step.outcome === 'unseen');
  if (unseen) {
    const message = 'the way leaves the hosts that were looked at: name the missing one with --host NAME=TARGET';
    const evidence = [{ host: unseen.host, what: unseen.did, source: 'predicted path' }];
    return { status: 'unknown', about: nameOf(upstream), message, evidence };
  }
  return end === 'whole' ? { status: 'pass', message: 'the whole way lies on named hosts' } : undefined;
}

export default check;
