import { setSysctls, sysctlName } from '../../src/cures/sysctl.js';
import { sysctl } from '../../src/path/sysctls.js';
import { factOf } from '../../src/path/world.js';
import { distinct, groupBy, list } from '../../src/reasoning/broken.js';
import { captureAt, describePacket, lastOf } from '../../src/reasoning/packets.js';
import type { Case, Evidence, Rule, Walk } from '../../src/types.js';

const rule: Rule = {
  title: "early demux catches DSR replies while nginx's spoofed socket is open",
  why: "With router NAT on nginx's own host, a reply that arrives before nginx has closed its socket under the client's address is attached to that socket (ip_rcv_finish() with udp_early_demux=1), and forwarding then drops it. No counter moves. The faster the upstream, the more replies are lost.",
  signs: {
    logs: 'Nothing: no line, status 200, no counter that moves for the loss. Clients see a few timeouts in a hundred, the more the faster the upstreams are; 9 to 13 in 100 were lost in a lab with upstreams one link away.',
    packets:
      "On the inner link of nginx's host every answer comes in. On the outer link most go out with source 192.168.99.10, and some never do.",
  },
  proof:
    "Captures on both sides of nginx's host that lost nothing themselves: answers in, not out, and only some of them. With udp_early_demux=0 the loss ends. Not this: all answers lost, or those of one upstream; and a router of its own, which has no socket to attach them to.",
  cure: {
    how: [
      "On nginx's host; it costs a little speed for its other UDP traffic and nothing else:",
      '  sysctl -w net.ipv4.udp_early_demux=0',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) => {
    const forwarded = c.walks.filter((walk) => forwardsOwnReplies(walk) && demuxes(c, walk));
    return [...groupBy(forwarded, (walk) => walk.service.host)].flatMap(([host, walks]) => {
      const snapshot = c.snapshots.get(host);
      if (!snapshot) return [];
      const services = distinct(walks.map((walk) => walk.service.id));
      const keys = ['net/ipv4/ip_early_demux', 'net/ipv4/udp_early_demux'];
      const losses = walks.every(({ end }) => end === 'whole') ? lossesOn(c, host, walks) : [];
      return {
        host,
        severity: losses.length > 0 ? ('fault' as const) : ('risk' as const),
        certainty: losses.some(({ isProven }) => isProven) ? ('proven' as const) : ('consistent' as const),
        summary: `udp_early_demux=1 on ${host}, which forwards the replies to its own requests: some of them are lost without a trace (${list(services)})`,
        steps: [
          `${host} runs nginx and forwards the upstreams' DSR replies as well`,
          "a reply that comes while nginx's socket under the client's address is still open is attached to that socket",
          'forwarding drops a packet that has a socket, and no counter moves',
          ...losses.map(({ count, of, service }) => `packets show it of ${count} of ${of} requests to ${service}`),
        ],
        evidence: [
          ...losses.map(({ evidence }) => evidence),
          ...keys.map((key) => ({ host, what: `${sysctlName(key)} = 1`, source: `/proc/sys/${key}` })),
        ],
        explains: services.map((service) => `${service}: a part of the answers never arrives`),
        walks,
        cures: [setSysctls(snapshot, { 'net/ipv4/udp_early_demux': 0 }, 'replies are then routed before any socket is looked up')],
        verify: ['sysctl net.ipv4.udp_early_demux   # must say 0'],
        ...(losses.length > 0 ? {} : { settle: 'a capture on both sides of this host shows replies that come in and do not go out' }),
      };
    });
  },
};

interface Loss {
  service: string;
  count: number;
  of: number;
  isProven: boolean;
  evidence: Evidence;
}

/** Replies that came in at the host, whose way out is predicted to be free, and that no capture saw go out. One for each service. */
function lossesOn(c: Case, host: string, walks: readonly Walk[]): Loss[] {
  if (c.observed === undefined || c.read !== undefined) return [];
  const { patterns, points } = c.observed;
  const here = points.filter((point) => point.host === host);
  const seesBothSides = here.filter(({ packets }) => packets > 0).length > 1;
  const isProven = seesBothSides && here.every(({ dropped, partial }) => dropped === 0 && partial === undefined);
  return distinct(walks.map(({ service }) => service.id)).flatMap((service) => {
    const own = patterns.filter((pattern) => pattern.service === service && pattern.end !== 'ambiguous');
    const lost = own.filter((pattern) => {
      const last = lastOf(pattern);
      return pattern.end === 'vanished' && last?.host === host && last.leg === 'reply' && last.dir === 'in';
    });
    const last = lost[0] && lastOf(lost[0]);
    if (!last) return [];
    const [count, of] = [lost, own].map((group) => group.reduce((sum, pattern) => sum + pattern.count, 0)) as [number, number];
    const what = `${count} of ${of} replies came in and never went out: ${describePacket(last)}`;
    return { service, count, of, isProven, evidence: { host, what, source: captureAt(last) } };
  });
}

function forwardsOwnReplies(walk: Walk): boolean {
  return (
    walk.service.mode.startsWith('dsr') &&
    walk.steps.some((step) => step.leg === 'reply' && step.host === walk.service.host && step.code === 'forwarded')
  );
}

/** IPv6 has the same sysctls: they are read under net/ipv4 for both families. */
function demuxes(c: Case, walk: Walk): boolean {
  const sysctls = factOf(c.snapshots.get(walk.service.host), 'sysctls') ?? {};
  return sysctl(sysctls, 'net/ipv4/ip_early_demux') > 0 && sysctl(sysctls, 'net/ipv4/udp_early_demux') > 0;
}

export default rule;
