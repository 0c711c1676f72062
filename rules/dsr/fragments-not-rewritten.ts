import { rewriteLaterFragments } from '../../src/cures/rewrite-fragments.js';
import { rewriteWholeDatagrams } from '../../src/cures/traffic-control.js';
import { factOf } from '../../src/path/world.js';
import { distinct, groupBy, list } from '../../src/reasoning/broken.js';
import { captureAt, describePacket, lastOf } from '../../src/reasoning/packets.js';
import { concludeRisk } from '../../src/reasoning/risk.js';
import { tornAnswers } from '../../src/reasoning/torn-answers.js';
import type { Case, Cure, Evidence, Rule, Service, Snapshot, Step, TcFilter, TracePattern, Walk } from '../../src/types.js';

const rule: Rule = {
  title: 'a rewrite that matches ports leaves the later fragments of large answers alone',
  why: 'Only the first fragment of a datagram carries ports. A tc filter looks at each packet on the wire, so `match ip sport 53` takes the first fragment and misses the rest: the client gets pieces from two addresses and cannot put them together. nftables is spared where connection tracking reassembles, and on the host that makes the answer.',
  signs: {
    logs: 'None. Large answers (DNSSEC, TXT, more than the MTU) fail and small ones do well; IpReasmFails grows on the clients.',
    packets: 'On the outer link the first fragment leaves from 192.168.99.10 and the rest from 172.16.0.11.',
  },
  proof:
    'The filter that rewrites the replies matches a port, or a capture shows a later fragment under another source than the first. Whether answers are ever larger than the MTU is for the service to know: DNS servers that keep to 1232 bytes never fragment.',
  cure: {
    how: [
      'Match the address and the protocol, which every fragment carries:',
      '  tc filter add dev eth0 parent 10: protocol ip prio 9 u32 match ip src 172.16.0.11 match ip protocol 17 0xff action nat egress 172.16.0.11 192.168.99.10',
      'With nftables another rule for the later fragments:',
      "  nft 'create table ip dsr_fragments; add chain ip dsr_fragments rewrite { type filter hook postrouting priority 300; }; add rule ip dsr_fragments rewrite ip saddr 172.16.0.11 ip protocol udp ip frag-off & 0x1fff != 0 ip saddr set 192.168.99.10'",
      'Or let the servers keep their answers below the MTU (edns-udp-size 1232).',
    ].join('\n'),
    touches: ['traffic-control', 'firewall'],
  },
  run: (c) => {
    const affected = c.walks.flatMap((walk) => affectedBy(c, walk) ?? []);
    return [...groupBy(affected, ({ host }) => host)].map(([host, entries]) => {
      const services = distinct(entries.map(({ walk }) => walk.service));
      const filters = distinct(entries.flatMap(({ filter }) => filter ?? []));
      const torn = distinct(entries.flatMap((entry) => entry.torn));
      const count = torn.reduce((sum, pattern) => sum + pattern.count, 0);
      return {
        ...concludeRisk(c, services, {
          host,
          summary: `answers larger than the MTU reach the client in pieces from two addresses: the rewrite on ${host} matches a port (${list(services.map(({ id }) => id))})`,
          steps: [
            'a large answer is sent in fragments, of which the first alone has ports',
            'the rewrite takes that one and misses the others',
            ...(count > 0 ? [`packets show it of ${count} answers`] : []),
          ],
          evidence: [
            ...torn.flatMap(shownBy).slice(0, 2),
            ...filters.slice(0, 4).map(({ text, link }) => ({ host, what: text, source: `tc filter show dev ${link}` })),
          ],
          explains: count > 0 ? services.map(({ id }) => `${id}: large answers never arrive`) : [],
          cures: curesOn(c.snapshots.get(host), filters, services, distinct(entries.flatMap(({ walk }) => walk.vip ?? []))),
          verify: services.map(
            ({ listeners }) =>
              `from the client: dig +bufsize=4096 +notcp +ignore -p ${listeners[0]?.port} … of a record larger than the MTU`,
          ),
          ...(count > 0 ? {} : { settle: 'a capture of a large answer on the outer link' }),
        }),
        ...(count > 0 ? { severity: 'fault' as const, certainty: 'proven' as const } : {}),
      };
    });
  },
};

/** A way by which answers larger than the MTU do not come whole, as a filter or packets tell. */
interface Affected {
  walk: Walk;
  /** Where replies are rewritten. */
  host: string;
  filter: TcFilter | undefined;
  torn: readonly TracePattern[];
}

function affectedBy(c: Case, walk: Walk): Affected | undefined {
  const rewritten = walk.steps.find(({ leg, code }) => leg === 'reply' && code === 'rewritten');
  if (!rewritten || !walk.service.mode.startsWith('dsr') || walk.end === 'broken') return undefined;
  const [filter, torn] = [portFilter(c, rewritten), tornAnswers(c, walk)];
  return filter || torn.length > 0 ? { walk, host: rewritten.host, filter, torn } : undefined;
}

function shownBy(pattern: TracePattern): Evidence[] {
  const last = lastOf(pattern);
  return last ? [{ host: last.host, what: describePacket(last), source: captureAt(last) }] : [];
}

function curesOn(
  snapshot: Snapshot | undefined,
  filters: readonly TcFilter[],
  services: readonly Service[],
  [vip, ...others]: readonly string[],
): Cure[] {
  if (!snapshot) return [];
  const whole = rewriteWholeDatagrams(snapshot, filters, 'the first fragment and all others then get the same source');
  const sources = distinct(services.flatMap(({ upstreams }) => upstreams.flatMap(({ address }) => address ?? [])));
  // One rule knows one new address.
  const later =
    filters.length === 0 && vip !== undefined && others.length === 0 ? rewriteLaterFragments(snapshot, sources, vip) : undefined;
  return [whole, later].filter((cure) => cure !== undefined);
}

/** The tc filter that rewrites a reply, when it looks at ports. */
function portFilter(c: Case, { host, place, by }: Step): TcFilter | undefined {
  if (place !== 'egress') return undefined;
  const filters = factOf(c.snapshots.get(host), 'trafficControl')?.filters ?? [];
  return filters.find(
    ({ text, match }) => by.some(({ what }) => what === text) && (match?.sourcePort ?? match?.destinationPort) !== undefined,
  );
}

export default rule;
