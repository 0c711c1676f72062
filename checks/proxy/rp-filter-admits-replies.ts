import { validateSource } from '../../src/path/routing.js';
import { reversePathFilter } from '../../src/path/sysctls.js';
import { hitsFor, nameOf, type Opinion, opinionsOn, ownServices, sysctlEvidence } from '../../src/reasoning/hits.js';
import { type Capture, type CaptureFacts, captureFacts, captureOf } from '../../src/reasoning/reply-on-proxy.js';
import type { Check } from '../../src/types.js';

const check: Check<keyof CaptureFacts> = {
  title: 'reverse-path filtering admits the replies',
  roles: ['proxy'],
  needs: captureFacts,
  why: 'Strict mode drops a packet that does not come in where the way back to its source leads, loose mode one to whose source there is no way at all. The value itself says nothing: strict mode is right in the usual setup. IPv6 has no such filter.',
  fix: 'Mend the route to the upstream, or set rp_filter=2 on the link; the larger of "all" and the link counts.',
  run: (facts, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const capture = captureOf(facts, scope, walk);
        return capture && judge(facts, capture, scope.host);
      }),
    ),
};

function judge(facts: CaptureFacts, { walk, decision, mark }: Capture, host: string): Opinion | undefined {
  const link = decision?.in;
  if (!decision || link === undefined || decision.packet.family !== 4) return undefined;
  const { source: from, destination: to } = decision.packet;
  const verdict = validateSource(facts, { family: 4, from, to, mark, iif: link });
  const evidence = sysctlEvidence(host, facts.sysctls, [`net/ipv4/conf/all/rp_filter`, `net/ipv4/conf/${link}/rp_filter`]);
  if (verdict.valid)
    return {
      status: 'pass',
      message: `${link} admits them with an effective rp_filter of ${reversePathFilter(facts.sysctls, link)}`,
      evidence,
    };
  if (verdict.reason !== 'strict' && verdict.reason !== 'loose') return undefined;
  return { status: 'fail', about: nameOf(walk.upstream), message: `${link} drops the replies: ${verdict.why}`, evidence };
}

export default check;
