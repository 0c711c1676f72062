import { setSysctls, sysctlName } from '../../src/cures/sysctl.js';
import { heedsRedirects, sendsRedirects } from '../../src/path/sysctls.js';
import { factOf } from '../../src/path/world.js';
import { distinct, groupBy, list } from '../../src/reasoning/broken.js';
import { concludeRisk } from '../../src/reasoning/risk.js';
import type { Case, Rule, Snapshot, Step, Walk } from '../../src/types.js';

const rule: Rule = {
  title: 'the router that rewrites DSR replies teaches the upstreams a way around it',
  why: "A router that sends a packet back out of the link it came in on tells the sender of the shorter way, by an ICMP redirect. Here the sender is an upstream and the router's rewrite is what the reply came for: an upstream that heeds the redirect (accept_redirects=1, the default of hosts that do not forward) answers the client directly for some minutes, from its own address.",
  signs: {
    logs: 'None; some clients lose all answers for minutes, then it goes away. On the router IcmpOutRedirects grows.',
    packets:
      "On the segment an ICMP redirect from the router to the upstream, and from then on replies that leave the upstream for another link address, under the upstream's own address.",
  },
  proof:
    'The reply comes in and goes out by one link of the host that rewrites it, and send_redirects is on for it, and the upstream heeds them. Not this: a router with a link to each side, which has no shorter way to tell of.',
  cure: {
    how: [
      'On the router; either of the two is enough to send them, so both go:',
      '  sysctl -w net.ipv4.conf.all.send_redirects=0',
      '  sysctl -w net.ipv4.conf.eth0.send_redirects=0',
      'Upstreams that have learnt forget with',
      '  ip route flush cache',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) => {
    const turned = c.walks.flatMap((walk) => {
      const step = turnedBack(c, walk);
      return step ? [{ walk, step }] : [];
    });
    return [...groupBy(turned, ({ step }) => step.host)].flatMap(([host, entries]) => {
      const snapshot = c.snapshots.get(host);
      if (!snapshot) return [];
      const services = distinct(entries.map(({ walk }) => walk.service));
      const links = distinct(entries.flatMap(({ step }) => step.out ?? []));
      const keys = ['all', ...links].map((link) => `net/ipv4/conf/${link}/send_redirects`);
      return concludeRisk(c, services, {
        host,
        summary: `${host} rewrites replies that come in and go out by ${list(links)}, and sends redirects there: upstreams learn to answer around it (${list(services.map(({ id }) => id))})`,
        steps: [
          `replies reach ${host} and leave it on the same link`,
          'it tells the upstream of the shorter way, on which nothing rewrites',
        ],
        evidence: keys.map((key) => ({
          host,
          what: `${sysctlName(key)} = ${factOf(snapshot, 'sysctls')?.[key] ?? '?'}`,
          source: `/proc/sys/${key}`,
        })),
        explains: [],
        cures: [setSysctls(snapshot, Object.fromEntries(keys.map((key) => [key, 0])), 'upstreams then keep to the way by this host')],
        verify: keys.map((key) => `sysctl ${sysctlName(key)}   # must say 0`),
        settle: 'ICMP redirects in a capture on that link',
      });
    });
  },
};

/** Where a reply is rewritten and sent back out of the link it came in on (ip_forward() and IPCB(skb)->flags & IPSKB_DOREDIRECT); IPv4 only. */
function turnedBack(c: Case, { service, steps, end }: Walk): Step | undefined {
  if (!service.mode.startsWith('dsr') || end === 'broken') return undefined;
  const replies = steps.filter(({ leg }) => leg === 'reply');
  const sender = replies.find(({ out }) => out !== undefined);
  if (!sender || !heeds(c.snapshots.get(sender.host), sender.out)) return undefined;
  const rewriters = new Set(replies.filter(({ code }) => code === 'rewritten').map(({ host }) => host));
  return replies.find(
    (step) =>
      step.code === 'forwarded' &&
      step.packet.family === 4 &&
      step.in !== undefined &&
      step.in === step.out &&
      rewriters.has(step.host) &&
      redirects(c.snapshots.get(step.host), step.in),
  );
}

function redirects(snapshot: Snapshot | undefined, link: string): boolean {
  const sysctls = factOf(snapshot, 'sysctls');
  return sysctls !== undefined && sendsRedirects(sysctls, link);
}

/** The upstream that would learn. */
function heeds(snapshot: Snapshot | undefined, link = 'all'): boolean {
  const sysctls = factOf(snapshot, 'sysctls');
  return sysctls === undefined || heedsRedirects(sysctls, link);
}

export default rule;
