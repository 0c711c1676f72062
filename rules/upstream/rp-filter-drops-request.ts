import { setSysctls } from '../../src/cures/sysctl.js';
import { reversePathFilter } from '../../src/path/sysctls.js';
import { factOf } from '../../src/path/world.js';
import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { bypassedReplies } from '../../src/reasoning/bypass.js';
import { isStrictAlone, linkSysctl } from '../../src/reasoning/source-validation.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "strict reverse-path filtering drops the request under the client's address",
  why: "rp_filter=1 lets a packet in only on the link that leads back to its source. The request bears the client's address but comes from nginx's side; where the upstream's look-up leads elsewhere, the kernel drops it silently. The effective value is the larger of `all` and the link's own.",
  run: (c) => {
    // Where the reply would not come back anyway, the route is the cause, and its cure lets the request in as well.
    const bypassed = new Set(bypassedReplies(c).map(({ walk }) => walk));
    const dropped = brokenBy(c, 'source-invalid').filter(
      ({ step, walk }) => step.leg === 'forward' && isStrictAlone(c, step) && !bypassed.has(walk),
    );
    return [...groupBy(dropped, ({ step }) => step.host)].map(([host, broken]) => {
      const snapshot = c.snapshots.get(host);
      const links = distinct(broken.flatMap(({ step }) => step.in ?? []));
      const sysctls = factOf(snapshot, 'sysctls') ?? {};
      return concludeFrom(broken, {
        host,
        summary: `strict rp_filter on ${host} drops the requests: they come in on ${links.join(', ')}, where the way back to the client does not lead (${serviceList(broken)})`,
        evidence: links.map((link) => ({
          host,
          what: `effective rp_filter of ${link} is ${reversePathFilter(sysctls, link)}`,
          source: `/proc/sys/net/ipv4/conf/{all,${link}}/rp_filter`,
        })),
        cures: snapshot
          ? [
              setSysctls(
                snapshot,
                Object.fromEntries(links.map((link) => [linkSysctl(link, 'rp_filter'), 2])),
                'loose: any route back to the source will do',
              ),
            ]
          : [],
        verify: distinct(
          broken.map(({ step, walk }) => `ip route get ${step.packet.destination} from ${walk.client} iif ${step.in}   # must say "local"`),
        ),
      });
    });
  },
};

export default rule;
