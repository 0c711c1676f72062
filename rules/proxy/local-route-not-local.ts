import { combine } from '../../src/cures/combine.js';
import { localDefault, putRoute } from '../../src/cures/routing.js';
import { concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { type Uncaptured, uncapturedReplies } from '../../src/reasoning/reply-capture.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: 'the route for marked replies is not local, or covers too little',
  why: 'Only a route of type `local` makes the kernel hand a packet to its own sockets. Without that word `dev lo` sends it round the loopback link as traffic for others, again and again until its TTL is used up; `blackhole` and its kin drop it; a narrower prefix leaves clients out.',
  signs: {
    logs: '504: `upstream timed out (110: Connection timed out) while connecting to upstream`. Where the word `local` is missing and ip_forward is 1, IpForwDatagrams jumps by some 60 for each reply; where the prefix is too narrow, only some clients fail.',
    packets:
      "SYN from the client's address and SYN-ACK on the link to the upstreams, over and over. Where the reply circles on `lo`, nginx's host sends the upstream ICMP time exceeded in transit, and a capture on `lo` shows the same packet some 60 times.",
  },
  proof:
    '`ip route show table 100` shows a route that does not begin with `local`, or whose prefix lacks the client. Not this: a narrow prefix that holds every client there is.',
  cure: {
    how: [
      'Replace it; one of another type has to go first:',
      '  ip route del default dev lo table 100',
      '  ip route add local 0.0.0.0/0 dev lo table 100',
    ].join('\n'),
    touches: ['route'],
  },
  run: (c) => {
    const replies = uncapturedReplies(c).filter(({ missing }) => missing.part === 'local-route-type');
    return [...groupBy(replies, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        summary: `the route in table ${[...slots(broken).values()].map(({ table }) => table).join(', ')} on ${host} does not hand the replies to nginx: ${wrong(broken)} (${serviceList(broken)})`,
        cures: cures(c.snapshots.get(host), broken),
        verify: [...new Set(broken.map(verify))],
      }),
    );
  },
};

function wrong(broken: readonly Uncaptured[]): string {
  const { missing } = broken[0] ?? {};
  if (missing?.part !== 'local-route-type') return '';
  const isLocal = missing.routes.some((route) => route.type === 'local');
  return isLocal ? `it covers only ${missing.routes.map((route) => route.to).join(', ')}` : 'its type is not "local"';
}

function slots(broken: readonly Uncaptured[]): Map<string, { table: string; family: 4 | 6 }> {
  return new Map(
    broken.flatMap(({ missing, step: { packet } }) => {
      const table = missing.part === 'local-route-type' ? (missing.rule.table ?? 'main') : undefined;
      return table === undefined ? [] : [[`${packet.family} ${table}`, { table, family: packet.family }]];
    }),
  );
}

function cures(snapshot: Snapshot | undefined, broken: readonly Uncaptured[]): Cure[] {
  if (!snapshot) return [];
  const why = 'the kernel then takes the marked replies in, whoever they are addressed to';
  const put = [...slots(broken).values()].map(({ table, family }) => {
    const present = broken.flatMap(({ missing }) => (missing.part === 'local-route-type' ? missing.routes : []));
    const inTheWay = present.find(
      (route) => route.family === family && route.table === table && route.to === localDefault(family, table).to,
    );
    return putRoute(snapshot, { ...localDefault(family, table), metric: inTheWay?.metric ?? localDefault(family, table).metric }, why);
  });
  return [combine(snapshot.host, put)];
}

export default rule;
