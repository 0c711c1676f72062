import { rewriteWholeDatagrams } from '../../src/cures/traffic-control.js';
import { factOf } from '../../src/path/world.js';
import { distinct, groupBy, list } from '../../src/reasoning/broken.js';
import { concludeRisk } from '../../src/reasoning/risk.js';
import type { Case, Rule, TcFilter, Walk } from '../../src/types.js';

const rule: Rule = {
  title: 'a rewrite that matches ports leaves the later fragments of large answers alone',
  why: 'Only the first fragment of a datagram carries ports. A tc filter looks at each packet on the wire, so `match ip sport 53` takes the first fragment and misses the rest: the client gets pieces from two addresses and cannot put them together. nftables is spared where connection tracking reassembles, and on the host that makes the answer.',
  signs: {
    logs: 'None. Large answers (DNSSEC, TXT, more than the MTU) fail and small ones do well; IpReasmFails grows on the clients.',
    packets: 'On the outer link the first fragment leaves from 192.168.99.10 and the rest from 172.16.0.11.',
  },
  proof:
    'The filter that rewrites the replies matches a port. Whether answers are ever larger than the MTU is for the service to know: DNS servers that keep to 1232 bytes never fragment.',
  cure: {
    how: [
      'Match the address and the protocol, which every fragment carries:',
      '  tc filter add dev eth0 parent 10: protocol ip prio 9 u32 match ip src 172.16.0.11 match ip protocol 17 0xff action nat egress 172.16.0.11 192.168.99.10',
      'Or let the servers keep their answers below the MTU (edns-udp-size 1232).',
    ].join('\n'),
    touches: ['traffic-control'],
  },
  run: (c) => {
    const by = c.walks.flatMap((walk) => {
      const filter = portFilter(c, walk);
      return filter ? [{ walk, ...filter }] : [];
    });
    return [...groupBy(by, ({ host }) => host)].map(([host, entries]) => {
      const services = distinct(entries.map(({ walk }) => walk.service));
      const filters = distinct(entries.map(({ filter }) => filter));
      const snapshot = c.snapshots.get(host);
      const cure = snapshot && rewriteWholeDatagrams(snapshot, filters, 'the first fragment and all others then get the same source');
      return concludeRisk(c, services, {
        host,
        summary: `answers larger than the MTU reach the client in pieces from two addresses: the filter on ${host} matches a port (${list(services.map(({ id }) => id))})`,
        steps: [
          'a large answer is sent in fragments, of which the first alone has ports',
          'the filter rewrites that one and misses the others',
        ],
        evidence: filters.slice(0, 4).map(({ text, link }) => ({ host, what: text, source: `tc filter show dev ${link}` })),
        explains: [],
        cures: cure ? [cure] : [],
        verify: services.map(
          ({ listeners }) => `from the client: dig +bufsize=4096 +notcp +ignore -p ${listeners[0]?.port} … of a record larger than the MTU`,
        ),
        settle: 'a capture of a large answer on the outer link',
      });
    });
  },
};

/** The tc filter that rewrites a reply, when it looks at ports. */
function portFilter(c: Case, { steps, service, end }: Walk): { host: string; filter: TcFilter } | undefined {
  if (!service.mode.startsWith('dsr') || end === 'broken') return undefined;
  const rewritten = steps.find(({ leg, code, place }) => leg === 'reply' && code === 'rewritten' && place === 'egress');
  const filters = factOf(c.snapshots.get(rewritten?.host ?? ''), 'trafficControl')?.filters ?? [];
  const filter = filters.find(
    ({ text, match }) => rewritten?.by.some(({ what }) => what === text) && (match?.sourcePort ?? match?.destinationPort) !== undefined,
  );
  return rewritten && filter ? { host: rewritten.host, filter } : undefined;
}

export default rule;
