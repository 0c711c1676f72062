import { type DsrReply, dsrReply, dsrServices } from '../../src/reasoning/dsr-way.js';
import { evidenceOf, hitsFor, nameOf, type Opinion, opinionsOn } from '../../src/reasoning/hits.js';
import type { Check, Scope, Walk } from '../../src/types.js';

const check: Check<never> = {
  title: 'replies get the source address that the client asked',
  roles: ['proxy', 'router', 'upstream'],
  needs: [],
  why: 'The client takes an answer only from the address and port it asked. So a stateless rewrite (tc nat, or nft) must cover every upstream where the replies leave: on the router they pass, or on the upstream itself.',
  fix: 'nft: a postrouting chain with "ip saddr UPSTREAM udp sport 53 ip saddr set VIP" and notrack before; or a tc filter with "action nat egress UPSTREAM VIP" on the outgoing link.',
  run: (_, scope) =>
    hitsFor(dsrServices(scope), (service) =>
      opinionsOn(scope, service, (walk) => {
        const reply = dsrReply(walk);
        return reply && judge(scope, walk, reply);
      }),
    ),
};

/**
 * Speaks only on the host that rewrites, or that would have to: nginx's own or the origin. A third host may just as well lie on the
 * replies' way because of a wrong route.
 */
function judge({ host }: Scope, walk: Walk, { end, rewriter, place, origin }: DsrReply): Opinion | undefined {
  const about = nameOf(walk.upstream);
  if (end.code === 'not-rewritten' && place === host) {
    const status = host === walk.service.host || host === origin ? 'fail' : 'warn';
    return { status, about, message: 'replies keep the address of the upstream', evidence: evidenceOf(end) };
  }
  if (rewriter?.host !== host) return undefined;
  const evidence = evidenceOf(rewriter);
  if (end.code === 'wrongly-rewritten') return { status: 'fail', about, message: `the reply ${end.did}`, evidence };
  if (end.code === 'delivered') return { status: 'pass', message: `they leave as ${walk.vip ?? 'the address that was asked'}`, evidence };
  return undefined;
}

export default check;
