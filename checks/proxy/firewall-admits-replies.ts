import { firewallOpinion, hitsFor, opinionsByClient, ownServices } from '../../src/reasoning/hits.js';
import { type CaptureFacts, captureFacts, captureOf } from '../../src/reasoning/reply-on-proxy.js';
import type { Check } from '../../src/types.js';

const check: Check<keyof CaptureFacts> = {
  title: "the firewall admits the upstreams' replies",
  roles: ['proxy'],
  needs: captureFacts,
  why: "A marked reply passes INPUT with the client's address as its destination. Rules that admit only this host's own addresses, drop what connection tracking calls invalid, or check the reverse path drop it.",
  fix: 'Accept by mark before such rules: iptables -I INPUT -m mark --mark 1 -j ACCEPT.',
  run: (facts, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsByClient(scope, service, (walk) => {
        const capture = captureOf(facts, scope, walk);
        return capture && firewallOpinion(capture.steps, `replies of ${walk.upstream.name}`);
      }),
    ),
};

export default check;
