import { combine } from '../../src/cures/combine.js';
import { addPolicyRule, freePriority, hex } from '../../src/cures/routing.js';
import { factOf } from '../../src/path/world.js';
import { concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { type Uncaptured, uncapturedReplies } from '../../src/reasoning/reply-capture.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: 'another policy rule catches the marked replies first',
  why: 'Policy rules are asked in the order of their priority numbers. A rule for the mark that stands after one that already finds a route, `main` above all, is never reached.',
  run: (c) => {
    const replies = uncapturedReplies(c).filter(({ missing }) => missing.part === 'policy-rule-order');
    return [...groupBy(replies, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `on ${host} the ip rule for mark ${hex(broken[0]?.step.packet.mark ?? 0)} comes too late: another rule finds a route first (${serviceList(broken)})`,
        cures: cures(c.snapshots.get(host), broken),
        verify: [...new Set(broken.map(verify))],
      }),
    );
  },
};

function cures(snapshot: Snapshot | undefined, broken: readonly Uncaptured[]): Cure[] {
  if (!snapshot) return [];
  const late = new Map(
    broken.flatMap(({ missing }) => (missing.part === 'policy-rule-order' ? [[JSON.stringify(missing.rule), missing.rule]] : [])),
  );
  const earlier = [...late.values()].map((rule) => {
    const priority = freePriority(factOf(snapshot, 'policyRules') ?? [], rule.family);
    return addPolicyRule(snapshot, { ...rule, priority }, 'the rule is then asked before the one that catches the replies now');
  });
  return [combine(snapshot.host, earlier)];
}

export default rule;
