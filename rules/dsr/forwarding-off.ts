import { setSysctls, sysctlName } from '../../src/cures/sysctl.js';
import { forwards } from '../../src/path/sysctls.js';
import { factOf, owns } from '../../src/path/world.js';
import { brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import type { Case, Rule, Walk } from '../../src/types.js';

const rule: Rule = {
  title: 'the host on the way of DSR replies does not forward',
  why: 'With Direct Server Return the reply passes the router on its way to the client. With forwarding off the kernel drops it (IpInAddrErrors), before any rewrite.',
  signs: {
    logs: 'nginx logs nothing, and status 200. On the host that the answers pass IpInAddrErrors grows by one for each; IpForwDatagrams does not move.',
    packets: "On that host's inner link the answers come in; on its link to the clients nothing goes out.",
  },
  proof:
    'ip_forward is 0 on a host that answers pass to somebody else. Method 1 needs no forwarding, so 0 is no fault there. Not this: IpForwDatagrams that grows while nothing leaves, which is a firewall (dsr/firewall-drops-reply).',
  cure: {
    how: [
      'On that host; IPv6 has net.ipv6.conf.all.forwarding:',
      '  sysctl -w net.ipv4.ip_forward=1',
      '  nstat -az IpForwDatagrams IpInAddrErrors',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) => {
    const stopped = brokenBy(c, 'not-forwarded').filter(({ step, walk }) => {
      const sysctls = factOf(c.snapshots.get(step.host), 'sysctls');
      return (
        walk.service.mode.startsWith('dsr') &&
        step.leg === 'reply' &&
        !isServer(c, walk, step.host) &&
        sysctls !== undefined &&
        !forwards(sysctls, step.in ?? 'all', step.packet.family)
      );
    });
    return [...groupBy(stopped, ({ step }) => step.host)].map(([host, broken]) => {
      const snapshot = c.snapshots.get(host);
      const keys = distinct(broken.map(({ step }) => (step.packet.family === 6 ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward')));
      const sysctls = factOf(snapshot, 'sysctls') ?? {};
      return concludeFrom(broken, {
        host,
        summary: `${host} does not forward packets, so DSR replies end there (${serviceList(broken)})`,
        evidence: keys.map((key) => ({ host, what: `${sysctlName(key)} = ${sysctls[key] ?? '0'}`, source: `/proc/sys/${key}` })),
        cures: snapshot
          ? [setSysctls(snapshot, Object.fromEntries(keys.map((key) => [key, 1])), 'DSR replies are forwarded to the client')]
          : [],
        verify: keys.map((key) => `sysctl ${sysctlName(key)}   # must say 1`),
      });
    });
  },
};

/** Nobody means an upstream to be the others' router: a route that leads to it is what is wrong. */
function isServer(c: Case, { service }: Walk, host: string): boolean {
  return host !== service.host && service.upstreams.some(({ address }) => address !== undefined && owns(c.snapshots.get(host), address));
}

export default rule;
