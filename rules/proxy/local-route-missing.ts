import { combine } from '../../src/cures/combine.js';
import { hex } from '../../src/cures/ip-words.js';
import { localDefault, putRoute } from '../../src/cures/routing.js';
import { concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { type Uncaptured, uncapturedReplies } from '../../src/reasoning/reply-capture.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: 'the table for marked replies is empty',
  why: "The mark and the policy rule lead to a table, but the table has no route, so the look-up goes on with `main` and the reply is forwarded or dropped. `ip route add local 0.0.0.0/0 dev lo table N` makes every address this host's own for these packets.",
  signs: {
    logs: '504 for every marked service: `upstream timed out (110: Connection timed out) while connecting to upstream`. IpInAddrErrors with ip_forward=0, else IpForwDatagrams once nginx has given up.',
    packets: "SYN from the client's address and SYN-ACK on the link to the upstreams, over and over.",
  },
  proof:
    'Mark rule and `ip rule` are right, and `ip route show table 100` prints nothing. It must be asked for each family: `ip -6` has tables of its own. A route over a link goes away with that link, which is why this one is on `lo`.',
  cure: {
    how: [
      '  ip route add local 0.0.0.0/0 dev lo table 100',
      '  ip -6 route add local ::/0 dev lo table 100',
      '  ip route get 192.168.99.50 from 172.16.0.11 iif eth1 mark 1',
    ].join('\n'),
    touches: ['route'],
  },
  run: (c) => {
    const replies = uncapturedReplies(c).filter(({ missing }) => missing.part === 'local-route');
    return [...groupBy(replies, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `table ${tables(broken)} on ${host}, to which the ip rule for the mark leads, has no route (${serviceList(broken)})`,
        because: [
          `the replies carry mark ${hex(broken[0]?.step.packet.mark ?? 0)}, the ip rule leads to table ${tables(broken)}, and that table is empty`,
        ],
        cures: cures(c.snapshots.get(host), broken),
        verify: [...new Set(broken.map(verify))],
      }),
    );
  },
};

/** Table and family of each reply's policy rule, without repetition. */
function slots(broken: readonly Uncaptured[]): { table: string; family: 4 | 6 }[] {
  const all = broken.flatMap(({ missing, step }) =>
    missing.part === 'local-route' ? [{ table: missing.rule.table ?? 'main', family: step.packet.family }] : [],
  );
  return [...new Map(all.map((slot) => [`${slot.family} ${slot.table}`, slot])).values()];
}

function tables(broken: readonly Uncaptured[]): string {
  return [...new Set(slots(broken).map(({ table }) => table))].join(', ');
}

function cures(snapshot: Snapshot | undefined, broken: readonly Uncaptured[]): Cure[] {
  if (!snapshot) return [];
  const routes = slots(broken).map(({ table, family }) =>
    putRoute(snapshot, localDefault(family, table), 'the kernel then takes the marked replies in, whoever they are addressed to'),
  );
  return [combine(snapshot.host, routes)];
}

export default rule;
