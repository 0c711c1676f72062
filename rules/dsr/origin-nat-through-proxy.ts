import { setSysctls } from '../../src/cures/sysctl.js';
import { reversePathFilter } from '../../src/path/sysctls.js';
import { factOf } from '../../src/path/world.js';
import { concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { martianReplies } from '../../src/reasoning/martian.js';
import { linkSysctl } from '../../src/reasoning/source-validation.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'upstreams rewrite their replies themselves, yet send them through the host that owns the new address',
  why: "A host that receives a packet whose source is an address of its own takes it for forged and drops it as martian. Origin rewriting needs a way to the clients that does not lead by nginx's host, or accept_local on the link where the replies come in, which does not go together with strict rp_filter.",
  signs: {
    logs: 'nginx logs nothing, and status 200. Nothing in nstat moves; the column in_martian_src of /proc/net/stat/rt_cache grows on the host that owns the address, and with log_martians=1 its kernel log has "martian source 192.168.99.50 from 192.168.99.10, on dev eth1".',
    packets:
      "On the upstream and on that host's inner link the answers leave and arrive as `192.168.99.10:53 > client`. On its link to the clients nothing goes out.",
  },
  proof:
    'The upstreams put 192.168.99.10 into their answers, and the way to the client leads by the host that has that address. Not this: upstreams with a router of their own, where rewriting at the origin works.',
  cure: {
    how: [
      'Give the upstreams a way to the clients that avoids this host, or take their rewrite away and do it here, or admit own addresses on that link (not together with strict rp_filter):',
      '  sysctl -w net.ipv4.conf.eth1.accept_local=1',
      '  sysctl -w net.ipv4.conf.eth1.rp_filter=2',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) => {
    const martian = martianReplies(c).filter(({ rewrittenAgain }) => !rewrittenAgain);
    return [...groupBy(martian, ({ step }) => step.host)].map(([host, broken]) => {
      const snapshot = c.snapshots.get(host);
      const links = distinct(broken.flatMap(({ step }) => step.in ?? []));
      const sysctls = factOf(snapshot, 'sysctls') ?? {};
      const values = links.flatMap((link) => [
        [linkSysctl(link, 'accept_local'), 1] as const,
        ...(reversePathFilter(sysctls, link) === 1 ? [[linkSysctl(link, 'rp_filter'), 2] as const] : []),
      ]);
      return concludeFrom(broken, {
        host,
        summary: `the replies reach ${host} with its own address as source, and it drops them as martian (${serviceList(broken)})`,
        because: [
          `${distinct(broken.map(({ origin }) => origin)).join(', ')} rewrote the source already, but the way to the client leads by ${host}`,
        ],
        cures: snapshot
          ? [setSysctls(snapshot, Object.fromEntries(values), 'replies that bear an address of this host are let in on this link')]
          : [],
        verify: distinct(
          broken.map(
            ({ step: { packet, in: link } }) =>
              `ip route get ${packet.destination} from ${packet.source} iif ${link}   # must not say "Invalid"`,
          ),
        ),
      });
    });
  },
};

export default rule;
