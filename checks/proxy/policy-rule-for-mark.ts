import { hitsFor, type Opinion, opinionsOn, ownServices } from '../../src/reasoning/hits.js';
import { leadsHome, markRules, ruleEvidence, rulesForMark } from '../../src/reasoning/policy-routing.js';
import { type Capture, type CaptureFacts, captureFacts, captureOf } from '../../src/reasoning/reply-on-proxy.js';
import type { Check } from '../../src/types.js';

const check: Check<keyof CaptureFacts> = {
  title: 'a policy rule takes up the mark of the replies',
  roles: ['proxy'],
  needs: captureFacts,
  why: 'The mark alone does nothing: a policy rule for it has to lead to a table whose local route gives the packet to this host. A rule compares (packet XOR rule) AND mask with zero.',
  fix: 'ip rule add fwmark 1 lookup 100, with the mark that the firewall sets.',
  run: (facts, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const capture = captureOf(facts, scope, walk);
        return capture && capture.mark !== 0 ? judge(facts, capture, scope.host) : undefined;
      }),
    ),
};

function judge(facts: CaptureFacts, { walk, mark, takenIn, decision }: Capture, host: string): Opinion {
  const family = decision?.packet.family ?? 4;
  const shown = `0x${mark.toString(16)}`;
  const fitting = rulesForMark(facts, mark, family);
  if (fitting.length > 0)
    return { status: 'pass', message: `a rule takes up mark ${shown}`, evidence: fitting.map((rule) => ruleEvidence(host, rule)) };
  if (takenIn) return { status: 'pass', message: `replies are taken in without a rule for mark ${shown}` };
  const others = markRules(facts.policyRules, family).filter((rule) => leadsHome(facts, rule, walk.client));
  const evidence = others.map((rule) => ruleEvidence(host, rule));
  if (others.length > 0)
    return { status: 'fail', message: `replies bear mark ${shown}, which the rule to the local table does not take up`, evidence };
  const none = { host, what: `no rule for fwmark ${shown}`, source: family === 6 ? 'ip -6 rule' : 'ip rule' };
  return { status: 'fail', message: `no policy rule takes up mark ${shown}`, evidence: [none] };
}

export default check;
