import { combine } from '../../src/cures/combine.js';
import { hex } from '../../src/cures/ip-words.js';
import { addPolicyRule, freePriority } from '../../src/cures/routing.js';
import { factOf } from '../../src/path/world.js';
import { concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { type Uncaptured, uncapturedReplies } from '../../src/reasoning/reply-capture.js';
import type { Cure, PolicyRule, Rule, Snapshot } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: 'the policy rule selects another mark than the one that is set',
  why: 'The firewall sets one mark, the `ip rule` that leads to the local table asks for another value or mask. The replies miss the table and are forwarded or dropped.',
  signs: {
    logs: '504 for every marked service: `upstream timed out (110: Connection timed out) while connecting to upstream`. Counters as without any rule: IpInAddrErrors with ip_forward=0, else IpForwDatagrams once nginx has given up. The mark rule itself counts.',
    packets: "SYN from the client's address and SYN-ACK on the link to the upstreams, over and over. A capture does not show marks.",
  },
  proof:
    'The look-up below says `local` with the mark that the `ip rule` asks for and not with the one that the firewall sets. Not this: another mark for another purpose, or a mask that leaves out bits which no rule sets.',
  cure: {
    how: [
      'Compare both sides, then add a rule for the mark that is set (say 1):',
      '  iptables-save -t mangle',
      '  ip rule show',
      '  ip rule add fwmark 1 lookup 100',
    ].join('\n'),
    touches: ['policy-rule'],
  },
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
