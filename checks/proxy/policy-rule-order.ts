import { lookup } from '../../src/path/fib.js';
import { hitsFor, type Opinion, opinionsOn, ownServices } from '../../src/reasoning/hits.js';
import { leadsHome, ruleEvidence, rulesForMark } from '../../src/reasoning/policy-routing.js';
import { type Capture, type CaptureFacts, captureFacts, captureOf } from '../../src/reasoning/reply-on-proxy.js';
import type { Check } from '../../src/types.js';

const check: Check<keyof CaptureFacts> = {
  title: 'no other policy rule comes before the one for the mark',
  roles: ['proxy'],
  needs: captureFacts,
  why: 'Policy rules are tried by ascending priority. A rule before the one for the mark, such as main at 32766 with a default route, or one of a VPN, takes the packet first.',
  fix: 'Give the rule for the mark a smaller number: ip rule add pref 100 fwmark 1 lookup 100.',
  run: (facts, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const capture = captureOf(facts, scope, walk);
        return capture && judge(facts, capture, scope.host);
      }),
    ),
};

/** Speaks only where some rule for the mark would take the reply in if it were asked. */
function judge(facts: CaptureFacts, { walk, mark, decision }: Capture, host: string): Opinion | undefined {
  if (!decision || mark === 0) return undefined;
  const { family, source } = decision.packet;
  const rule = rulesForMark(facts, mark, family).find((candidate) => leadsHome(facts, candidate, walk.client));
  if (!rule) return undefined;
  const found = lookup(facts, { family, to: walk.client, from: source, iif: decision.in ?? 'lo', mark });
  if (found.found === 'nothing' || found.rule === rule)
    return { status: 'pass', message: `the rule for mark 0x${mark.toString(16)} decides`, evidence: [ruleEvidence(host, rule)] };
  const evidence = [ruleEvidence(host, found.rule), ruleEvidence(host, rule)];
  if (found.found === 'route' && found.route.type === 'local')
    return { status: 'pass', message: `the rule at ${found.rule.priority} comes first and leads here as well`, evidence };
  if (found.found === 'unknown')
    return { status: 'unknown', message: `the rule at ${found.rule.priority} comes first and cannot be evaluated`, evidence };
  return { status: 'fail', message: `the rule at ${found.rule.priority} takes the replies before the one at ${rule.priority}`, evidence };
}

export default check;
