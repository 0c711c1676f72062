import { hitsFor, type Opinion, opinionsByClient, ownServices } from '../../src/reasoning/hits.js';
import { coveringRoutes, leadsHome, rulesForMark, tableEvidence } from '../../src/reasoning/policy-routing.js';
import { type Capture, type CaptureFacts, captureFacts, captureOf } from '../../src/reasoning/reply-on-proxy.js';
import type { Check } from '../../src/types.js';

const check: Check<keyof CaptureFacts> = {
  title: 'the table for marked replies makes the clients local',
  roles: ['proxy'],
  needs: captureFacts,
  why: 'Only a route of type "local" that covers the client gives the packet to a socket of this host. A unicast route over lo sends it round in circles, and a narrower prefix leaves clients out.',
  fix: 'ip route add local 0.0.0.0/0 dev lo table 100 (ip -6 route add local ::/0 dev lo table 100).',
  run: (facts, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsByClient(scope, service, (walk) => {
        const capture = captureOf(facts, scope, walk);
        return capture && judge(facts, capture, scope.host);
      }),
    ),
};

function judge(facts: CaptureFacts, { walk, mark, takenIn, decision }: Capture, host: string): Opinion | undefined {
  if (mark === 0) return undefined;
  const family = decision?.packet.family ?? 4;
  const rules = rulesForMark(facts, mark, family);
  const home = rules.find((rule) => leadsHome(facts, rule, walk.client));
  const rule = home ?? rules[0];
  if (!rule) return undefined;
  const table = rule.table ?? 'main';
  const evidence = [tableEvidence(host, facts.routes, family, table)];
  if (home) return { status: 'pass', message: `table ${table} makes the clients local`, evidence };
  if (takenIn) return { status: 'pass', message: `replies are taken in without table ${table}`, evidence };
  const [covering] = coveringRoutes(facts, rule, walk.client);
  const message = covering ? `its route to ${covering.to} is ${covering.type}, not local` : 'it has no route that covers the client';
  return { status: 'fail', about: walk.client, message: `table ${table} does not take the replies in: ${message}`, evidence };
}

export default check;
