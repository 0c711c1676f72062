import { validateSource } from '../../src/path/routing.js';
import { validatesSourceByMark } from '../../src/path/sysctls.js';
import { hitsFor, type Opinion, opinionsOn, ownServices, sysctlEvidence } from '../../src/reasoning/hits.js';
import { type Capture, type CaptureFacts, captureFacts, captureOf } from '../../src/reasoning/reply-on-proxy.js';
import type { Check } from '../../src/types.js';

const check: Check<keyof CaptureFacts> = {
  title: 'source validation does not stumble over the mark',
  roles: ['proxy'],
  needs: captureFacts,
  why: 'With src_valid_mark=1 the way back to the source is looked up with the mark, which leads to the local table: the upstream looks like this host itself, and each marked reply is dropped, with rp_filter=0 too, and no counter of the namespace moves.',
  fix: 'sysctl net.ipv4.conf.all.src_valid_mark=0, or accept_local=1 on the link towards the upstreams.',
  run: (facts, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const capture = captureOf(facts, scope, walk);
        return capture && judge(facts, capture, scope.host);
      }),
    ),
};

function judge(facts: CaptureFacts, { decision, mark }: Capture, host: string): Opinion | undefined {
  const link = decision?.in;
  if (!decision || link === undefined || mark === 0 || decision.packet.family !== 4) return undefined;
  const { source: from, destination: to } = decision.packet;
  const verdict = validateSource(facts, { family: 4, from, to, mark, iif: link });
  const keys = (name: string) => [`net/ipv4/conf/all/${name}`, `net/ipv4/conf/${link}/${name}`];
  const evidence = sysctlEvidence(host, facts.sysctls, keys('src_valid_mark'));
  if (!validatesSourceByMark(facts.sysctls, link))
    return { status: 'pass', message: `the mark plays no part in source validation on ${link}`, evidence };
  if (!verdict.valid && verdict.reason === 'marked-martian')
    return { status: 'fail', message: `src_valid_mark=1 makes ${link} drop every marked reply`, evidence };
  if (!verdict.valid) return undefined;
  return {
    status: 'pass',
    message: `src_valid_mark=1 does no harm on ${link}`,
    evidence: [...evidence, ...sysctlEvidence(host, facts.sysctls, keys('accept_local'))],
  };
}

export default check;
