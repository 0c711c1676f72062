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
  signs: {
    logs: '504 for this upstream: `upstream timed out (110: Connection timed out) while connecting to upstream`. On the upstream TcpExtIPReversePathFilter grows by one with each request; with log_martians=1 its kernel log has "martian source 172.16.0.12 from 192.168.99.50, on dev eth0" (destination first).',
    packets:
      'The SYN reaches the upstream, over and over, and nothing comes out. The capture shows it although the kernel drops it: it taps before the check.',
  },
  proof:
    'On the upstream the look-up of the request on the link where it comes in is refused, and loosening this one value cures it. The value alone proves nothing: 1 is harmless where the way back to the client leads through the same link. Where the way back would miss nginx anyway, that is the cause (upstream/reply-bypasses-proxy).',
  cure: {
    how: [
      "On the upstream, let the way back lead through the link where requests come in, or loosen the check there; the larger of `all` and the link's value counts, and 2 is loose:",
      '  ip route get 172.16.0.12 from 192.168.99.50 iif eth0',
      '  sysctl -w net.ipv4.conf.eth0.rp_filter=2',
    ].join('\n'),
    touches: ['sysctl'],
  },
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
