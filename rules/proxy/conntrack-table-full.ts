import { setSysctls } from '../../src/cures/sysctl.js';
import { sysctl } from '../../src/path/sysctls.js';
import { factOf } from '../../src/path/world.js';
import { distinct, list } from '../../src/reasoning/broken.js';
import type { Conclusion, Rule, Snapshot } from '../../src/types.js';

const [countKey, mostKey] = ['net/netfilter/nf_conntrack_count', 'net/netfilter/nf_conntrack_max'];

const rule: Rule = {
  title: 'the table of connection tracking is full',
  why: 'Connection tracking keeps an entry for every flow, UDP questions included, until a timeout. When the table is full the first packet of every new flow is dropped, whatever the rules say; flows that have an entry go on. A transparent proxy makes two flows of each request.',
  signs: {
    logs: 'Timeouts for a part of the requests. The kernel log alone says why: `nf_conntrack: table full, dropping packet`. No rule counts.',
    packets: 'New SYNs and questions come in and nothing of them goes on, while older connections do well.',
  },
  proof:
    '`nf_conntrack_count` has reached `nf_conntrack_max`. Not this: a high count with room to spare, or a host whose rules never use connection tracking and which therefore has no such files.',
  cure: {
    how: [
      'More room, some 300 bytes for each entry; stateless services such as DNS by Direct Server Return need no entries at all (`notrack`):',
      '  sysctl -w net.netfilter.nf_conntrack_max=262144',
    ].join('\n'),
    touches: ['sysctl', 'firewall'],
  },
  run: (c) => {
    const onTheWay = distinct(c.walks.flatMap(({ steps }) => steps.map(({ host }) => host)));
    return onTheWay.flatMap((host): Conclusion[] => {
      const snapshot = c.snapshots.get(host);
      const fill = snapshot && fillOf(snapshot);
      if (!snapshot || !fill || fill.count < 0.9 * fill.most) return [];
      const isFull = fill.count >= fill.most;
      const walks = c.walks.filter(({ steps }) => steps.some((step) => step.host === host));
      const services = distinct(walks.map(({ service }) => service.id));
      return [
        {
          host,
          severity: isFull ? 'fault' : 'risk',
          certainty: 'consistent',
          summary: `connection tracking on ${host} ${isFull ? 'has no room for new flows' : 'is nearly full'}: ${fill.count} of ${fill.most} entries (${list(services)})`,
          steps: [
            'every new flow needs an entry in the table',
            isFull ? 'there is none left, so its first packet is dropped' : 'nine tenths of them are taken',
          ],
          evidence: [
            { host, what: String(fill.count), source: `/proc/sys/${countKey}` },
            { host, what: String(fill.most), source: `/proc/sys/${mostKey}` },
          ],
          explains: isFull ? services.map((service) => `${service}: new connections and questions fail, older ones go on`) : [],
          walks,
          cures: [setSysctls(snapshot, { [mostKey]: 4 * fill.most }, 'new flows find an entry again')],
          verify: ['cat /proc/sys/net/netfilter/nf_conntrack_count   # must stay below nf_conntrack_max'],
          settle: 'the kernel log says "nf_conntrack: table full, dropping packet" while it drops',
        },
      ];
    });
  },
};

/** Undefined where the host tracks no connections, or does not tell. */
function fillOf(snapshot: Snapshot): { count: number; most: number } | undefined {
  const sysctls = factOf(snapshot, 'sysctls');
  const [count, most] = sysctls ? [sysctl(sysctls, countKey), sysctl(sysctls, mostKey)] : [0, 0];
  return most > 0 ? { count, most } : undefined;
}

export default rule;
