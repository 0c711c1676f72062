import { combine } from '../../src/cures/combine.js';
import { addPolicyRule, freePriority, hex } from '../../src/cures/routing.js';
import { factOf } from '../../src/path/world.js';
import { concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { type Uncaptured, uncapturedReplies } from '../../src/reasoning/reply-capture.js';
import type { Cure, PolicyRule, Rule, Snapshot } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: 'the policy rule selects another mark than the one that is set',
  why: 'The firewall sets one mark, the `ip rule` that leads to the local table asks for another value or mask. The replies miss the table and are forwarded or dropped.',
  run: (c) => {
    const replies = uncapturedReplies(c).filter(({ missing }) => missing.part === 'policy-rule-mark');
    return [...groupBy(replies, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `on ${host} the replies are marked ${hex(broken[0]?.step.packet.mark ?? 0)}, but the ip rule to the local table asks for ${asked(broken)} (${serviceList(broken)})`,
        cures: cures(c.snapshots.get(host), broken),
        verify: [...new Set(broken.map(verify))],
      }),
    );
  },
};

function ruleOf({ missing }: Uncaptured): PolicyRule | undefined {
  return missing.part === 'policy-rule-mark' ? missing.rule : undefined;
}

function asked(broken: readonly Uncaptured[]): string {
  const rule = broken[0] && ruleOf(broken[0]);
  return `${hex(rule?.mark ?? 0)}/${hex(rule?.mask ?? 0xffffffff)}`;
}

function cures(snapshot: Snapshot | undefined, broken: readonly Uncaptured[]): Cure[] {
  if (!snapshot) return [];
  const wanted = groupBy(broken, ({ step }) => `${step.packet.family} ${step.packet.mark}`);
  const changes = [...wanted.values()].flatMap(([first]) => {
    const wrong = first && ruleOf(first);
    if (!first || !wrong) return [];
    const { family, mark } = first.step.packet;
    const priority = freePriority(factOf(snapshot, 'policyRules') ?? [], family);
    const right: PolicyRule = {
      family,
      priority,
      mark,
      mask: 0xffffffff,
      action: 'table',
      ...(wrong.table === undefined ? {} : { table: wrong.table }),
    };
    // The wrong rule may serve something that is not seen here, so it stays.
    return addPolicyRule(snapshot, right, 'this is the mark that the firewall sets');
  });
  return [combine(snapshot.host, changes)];
}

export default rule;
