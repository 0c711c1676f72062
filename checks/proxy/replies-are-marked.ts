import { evidenceOf, hitsFor, nameOf, type Opinion, opinionsOn, ownServices } from '../../src/reasoning/hits.js';
import { type Capture, type CaptureFacts, captureFacts, captureOf } from '../../src/reasoning/reply-on-proxy.js';
import type { Check } from '../../src/types.js';

const check: Check<keyof CaptureFacts> = {
  title: "a rule marks the upstreams' replies",
  roles: ['proxy'],
  needs: captureFacts,
  why: "Replies are addressed to the client, not to this host. A firewall mark, set in prerouting, makes the policy rule send them to nginx's sockets. Rules of iptables-legacy, iptables-nft and nft all count.",
  fix: 'iptables -t mangle -A PREROUTING -p tcp -m socket --transparent -j MARK --set-mark 1 (or a rule with -s and --sport of the upstreams).',
  run: (facts, scope) =>
    hitsFor(ownServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const capture = captureOf(facts, scope, walk);
        return capture && judge(capture);
      }),
    ),
};

function judge({ walk, steps, decision, mark, takenIn }: Capture): Opinion | undefined {
  const marked = steps.find((step) => step.code === 'marked');
  if (marked) return { status: 'pass', message: `replies get mark 0x${mark.toString(16)}`, evidence: evidenceOf(marked) };
  if (takenIn) return { status: 'pass', message: 'replies are taken in without a mark', evidence: decision ? evidenceOf(decision) : [] };
  const unclear = steps.find((step) => step.code === 'firewall-unknown' && step.place === 'prerouting');
  if (unclear) return { status: 'unknown', message: `the mark ${unclear.did}`, evidence: evidenceOf(unclear) };
  if (decision?.code !== 'not-taken-in') return undefined;
  return { status: 'fail', about: nameOf(walk.upstream), message: 'no rule marks the replies', evidence: evidenceOf(decision) };
}

export default check;
