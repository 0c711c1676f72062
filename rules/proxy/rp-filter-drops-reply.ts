import { setSysctls } from '../../src/cures/sysctl.js';
import { reversePathFilter } from '../../src/path/sysctls.js';
import { factOf } from '../../src/path/world.js';
import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { isStrictAlone, linkSysctl } from '../../src/reasoning/source-validation.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "strict reverse-path filtering on nginx's host drops the upstreams' replies",
  why: "rp_filter=1 lets a packet in only on the link that leads back to its source. A reply that comes in on one link while nginx's host reaches the upstream by another is dropped silently; TcpExtIPReversePathFilter counts it.",
  signs: {
    logs: "504 for the upstreams concerned: `upstream timed out (110: Connection timed out) while connecting to upstream`. TcpExtIPReversePathFilter on nginx's host grows with each of their replies.",
    packets:
      'The request leaves on one link and the SYN-ACK comes in on another, over and over. A capture shows it there although the kernel drops it: it taps before the check.',
  },
  proof:
    'The kernel\'s answer for the reply on that link is "invalid", and loosening this one value cures it. rp_filter=1 is harmless in the usual setup, where request and reply take the same link; the effective value is the larger of `all` and the link\'s, and 2 lets in whatever has any route back.',
  cure: {
    how: [
      'Let the reply come in the way the request goes out, or loosen the check on the link where it comes in:',
      '  ip route get 172.16.0.12',
      '  sysctl -w net.ipv4.conf.eth1.rp_filter=2',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) => {
    // DSR replies pass other hosts, which may know the address that they now bear by another way.
    const dropped = brokenBy(c, 'source-invalid').filter(
      ({ step, walk }) =>
        step.leg === 'reply' && (step.host === walk.service.host || walk.service.mode.startsWith('dsr')) && isStrictAlone(c, step),
    );
    return [...groupBy(dropped, ({ step }) => step.host)].map(([host, broken]) => {
      const snapshot = c.snapshots.get(host);
      const links = distinct(broken.flatMap(({ step }) => step.in ?? []));
      const sysctls = factOf(snapshot, 'sysctls') ?? {};
      const loose = Object.fromEntries(links.map((link) => [linkSysctl(link, 'rp_filter'), 2]));
      return concludeFrom(broken, {
        host,
        summary: `strict rp_filter on ${host} drops the replies: they come in on ${links.join(', ')}, where the way to ${distinct(broken.map(({ step }) => step.packet.source)).join(', ')} does not lead (${serviceList(broken)})`,
        evidence: links.map((link) => ({
          host,
          what: `effective rp_filter of ${link} is ${reversePathFilter(sysctls, link)}`,
          source: `/proc/sys/net/ipv4/conf/{all,${link}}/rp_filter`,
        })),
        cures: snapshot ? [setSysctls(snapshot, loose, 'loose: any route back to the source will do')] : [],
        verify: distinct(
          broken.map(
            ({ step: { packet, in: link } }) =>
              `ip route get ${packet.destination} from ${packet.source} iif ${link}${packet.mark ? ` mark 0x${packet.mark.toString(16)}` : ''}   # must not say "Invalid"`,
          ),
        ),
      });
    });
  },
};

export default rule;
