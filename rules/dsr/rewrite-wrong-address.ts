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
  signs: {
    logs: "nginx logs nothing, and status 200. With a wrong new address the rule counts as if all were well, and UdpNoPorts grows on the clients; with a wrong old one the rule's counter stands still.",
    packets: "The client gets answers from an address that it did not ask, say `192.168.99.11:53`, or from the upstream's own.",
  },
  proof:
    "The rule's old address is not an upstream's, or its new one not the address that clients ask. iproute2 6.1 prints a prefix in `nat` as /32: `nat egress 172.16.0.0/28 192.168.99.10` turns 172.16.0.11 into 192.168.99.11, whatever is displayed.",
  cure: {
    how: [
      'Take the wrong filter away (all of its priority go with it) and add one for each upstream:',
      '  tc filter del dev eth0 parent 10: protocol ip prio 10',
      '  tc filter add dev eth0 parent 10: protocol ip prio 10 u32 match ip src 172.16.0.11 match ip sport 53 0xffff action nat egress 172.16.0.11 192.168.99.10',
    ].join('\n'),
    touches: ['traffic-control', 'firewall'],
  },
  run: (c) => {
    // A host on the way that owns the new address takes it for forged.
    const strangers = [...brokenBy(c, 'wrongly-rewritten'), ...brokenBy(c, 'source-invalid')].flatMap((broken) => misled(c, broken));
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
  if (!rewritten || step.leg !== 'reply' || step.packet.source === walk.vip || step.packet.sourcePort !== walk.upstream.port) return [];
  const passing = passingOf(walk, rewritten.host);
  const rewrites = rewritesOn(c.snapshots.get(rewritten.host)).filter((rewrite) => passing && misfits(rewrite, passing).length === 0);
  return [{ walk, step, host: rewritten.host, rewrites }];
}

export default rule;
