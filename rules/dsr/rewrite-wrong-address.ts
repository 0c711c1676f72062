import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { misfittedReplies, replacing } from '../../src/reasoning/misfit.js';
import { misfits, passingOf, type Rewrite, rewriteEvidence, rewritesOn } from '../../src/reasoning/rewrites.js';
import type { Case, Rule } from '../../src/types.js';

interface Misled extends Broken {
  host: string;
  rewrites: readonly Rewrite[];
}

const rule: Rule = {
  title: 'the rewrite of DSR replies has a wrong address',
  why: "The rewrite must turn the upstream's own address into the very address that the client asked. Any other old address never matches; any other new one reaches the client as a stranger's answer, which it refuses.",
  run: (c) => {
    const strangers = brokenBy(c, 'wrongly-rewritten').flatMap((broken) => misled(c, broken));
    const unmatched = [...misfittedReplies(c, 'address').values()].flat();
    const all: Misled[] = [
      ...strangers,
      ...unmatched.map(({ misfit, ...rest }) => ({ ...rest, host: misfit.host, rewrites: [misfit.rewrite] })),
    ];
    return [...groupBy(all, ({ host }) => host)].map(([host, broken]) => {
      const rewrites = distinct(broken.flatMap((item) => item.rewrites));
      const vips = distinct(broken.flatMap(({ walk }) => walk.vip ?? []));
      return concludeFrom(broken, {
        host,
        summary: `the rewrite on ${host} does not turn the upstreams' addresses into ${list(vips)}, which the clients asked (${serviceList(broken)})`,
        evidence: rewrites.map((rewrite) => rewriteEvidence(host, rewrite)),
        cures: replacing(c, host, broken, rewrites),
        verify: [`from the client: dig @${vips[0]} -p ${broken[0]?.walk.service.listeners[0]?.port} . NS   # or this service's own client`],
      });
    });
  },
};

/** A reply that got a source that nobody asked, with the rewrites that took it. */
function misled(c: Case, { walk, step }: Broken): Misled[] {
  const rewritten = walk.steps.findLast((each) => each.leg === 'reply' && each.code === 'rewritten');
  if (!rewritten || step.packet.source === walk.vip || step.packet.sourcePort !== walk.upstream.port) return [];
  const passing = passingOf(walk, rewritten.host);
  const rewrites = rewritesOn(c.snapshots.get(rewritten.host)).filter((rewrite) => passing && misfits(rewrite, passing).length === 0);
  return [{ walk, step, host: rewritten.host, rewrites }];
}

export default rule;
