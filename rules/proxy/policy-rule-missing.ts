import { combine } from '../../src/cures/combine.js';
import { hex } from '../../src/cures/ip-words.js';
import { addPolicyRule, freePriority } from '../../src/cures/routing.js';
import { factOf } from '../../src/path/world.js';
import { concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { homeTable } from '../../src/reasoning/home-table.js';
import { type Uncaptured, uncapturedReplies } from '../../src/reasoning/reply-capture.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';

const rule: Rule = {
  title: 'no policy rule sends the marked replies to a local table',
  why: 'The upstream addresses its reply to the client. A firewall mark alone changes nothing: `ip rule` has to send packets with that mark to a table whose route is `local`, so that the kernel hands them to nginx.',
  signs: {
    logs: '504 for every marked service at once: `upstream timed out (110: Connection timed out) while connecting to upstream`, for UDP `… while proxying connection`. With ip_forward=0 IpInAddrErrors grows; with 1 nothing does while nginx waits, then IpForwDatagrams.',
    packets:
      "SYN from the client's address and SYN-ACK on the link to the upstreams, over and over. Late ones may be forwarded to the client, which resets them.",
  },
  proof:
    'The mark rule counts, and the look-up with the mark does not say `local`. Not this: a rule that is there for another mark (proxy/policy-rule-mark-mismatch) or too late in the order (proxy/policy-rule-shadowed). systemd-networkd removes rules that it did not make.',
  cure: {
    how: [
      'Send marked packets to the table with the local route; IPv6 needs the same with `ip -6`:',
      '  ip rule add fwmark 1 lookup 100',
      '  ip route get 192.168.99.50 from 172.16.0.11 iif eth1 mark 1',
    ].join('\n'),
    touches: ['policy-rule'],
  },
  run: (c) => {
    const replies = uncapturedReplies(c).filter(({ missing }) => missing.part === 'policy-rule');
    return [...groupBy(replies, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `${host} marks the upstreams' replies but has no ip rule for the mark, so they are not handed to nginx (${serviceList(broken)})`,
        because: [`the replies carry mark ${hex(broken[0]?.step.packet.mark ?? 0)}, and no ip rule selects it`],
        cures: cures(c.snapshots.get(host), broken),
        verify: [...new Set(broken.map(verify))],
      }),
    );
  },
};

export function verify({ step, walk }: Pick<Uncaptured, 'step' | 'walk'>): string {
  const { mark, source, family } = step.packet;
  return `ip ${family === 6 ? '-6 ' : ''}route get ${walk.client} from ${source} iif ${step.in ?? 'IF'} mark ${hex(mark === 0 ? 1 : mark)}   # must say "local"`;
}

function cures(snapshot: Snapshot | undefined, broken: readonly Uncaptured[]): Cure[] {
  if (!snapshot) return [];
  const wanted = groupBy(broken, ({ step }) => `${step.packet.family} ${step.packet.mark}`);
  const rules = [...wanted.values()].flatMap(([first]) => {
    if (!first) return [];
    const { family, mark } = first.step.packet;
    const table = homeTable(snapshot, family);
    const priority = freePriority(factOf(snapshot, 'policyRules') ?? [], family);
    return addPolicyRule(
      snapshot,
      { family, priority, mark, mask: 0xffffffff, action: 'table', table },
      'marked replies are then looked up in the table with the local route',
    );
  });
  return [combine(snapshot.host, rules)];
}

export default rule;
