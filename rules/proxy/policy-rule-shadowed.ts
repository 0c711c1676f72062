import { combine } from '../../src/cures/combine.js';
import { hex } from '../../src/cures/ip-words.js';
import { addPolicyRule, freePriority } from '../../src/cures/routing.js';
import { factOf } from '../../src/path/world.js';
import { concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { type Uncaptured, uncapturedReplies } from '../../src/reasoning/reply-capture.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: 'another policy rule catches the marked replies first',
  why: 'Policy rules are asked in the order of their priority numbers. A rule for the mark that stands after one that already finds a route, `main` above all, is never reached.',
  signs: {
    logs: '504 for every marked service: `upstream timed out (110: Connection timed out) while connecting to upstream`. Counters as without the rule: IpInAddrErrors with ip_forward=0, else IpForwDatagrams once nginx has given up.',
    packets: "SYN from the client's address and SYN-ACK on the link to the upstreams, over and over.",
  },
  proof:
    '`ip rule show` lists the rule behind `main` (32766), or behind another rule whose table has a route to the client; the look-up with the mark gives that route. Not this: a rule before it whose table has no fitting route, for then the search goes on.',
  cure: {
    how: [
      'The same rule with a smaller number; without one the kernel chooses one before all others but `local`:',
      '  ip rule add fwmark 1 lookup 100 priority 100',
      '  ip rule del fwmark 1 lookup 100 priority 40000',
    ].join('\n'),
    touches: ['policy-rule'],
  },
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
