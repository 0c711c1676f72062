import { combine } from '../../src/cures/combine.js';
import { localDefault, putRoute } from '../../src/cures/routing.js';
import { concludeFrom, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { type Uncaptured, uncapturedReplies } from '../../src/reasoning/reply-capture.js';
import type { Cure, Rule, Snapshot } from '../../src/types.js';
import { verify } from './policy-rule-missing.js';

const rule: Rule = {
  title: 'the route for marked replies is not local, or covers too little',
  why: 'Only a route of type `local` makes the kernel hand a packet to its own sockets. Without the word `local`, `dev lo` sends it out on the loopback link, where it is dropped; a narrower prefix leaves other clients out.',
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
