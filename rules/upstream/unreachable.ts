import { combine } from '../../src/cures/combine.js';
import { defaultRouteVia } from '../../src/cures/default-route.js';
import { dropNeighbour } from '../../src/cures/neighbour.js';
import { setLinkUp } from '../../src/cures/routing.js';
import { isMisleading, neighbourAt } from '../../src/path/neighbours.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { wayToHost } from '../../src/reasoning/gateway.js';
import { takeOut } from '../../src/reasoning/silent-upstream.js';
import type { Case, Conclusion, Cure, Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'no packet gets to the upstream: its link is down, or nobody answers for its address',
  why: 'A link that is set down takes no packet in. With it the kernel drops every route over that link, the default route among them, and with IPv6 the addresses too: after "ip link set up" they have to be brought back. Where the link is up, nginx\'s host still needs the link address of the upstream: ARP and neighbour discovery get none when the host is off or the address in nginx is nobody\'s, and an entry set by hand may be wrong.',
  signs: {
    logs: "504 for this upstream: `upstream timed out (110: Connection timed out) while connecting to upstream`. nginx does not hear the ICMP host unreachable that its own host makes after 3 s, since it goes to the client's address: IcmpOutDestUnreachs there, IcmpInDestUnreachs on the client.",
    packets:
      "On nginx's inner link ARP requests for the upstream and no answer; no SYN leaves. Nothing at the upstream. The client gets an ICMP host unreachable from nginx's host. With a wrong entry the SYN leaves, to a link address that nobody has.",
  },
  proof:
    "`ip link show` on the upstream has no UP among its flags, or `ip neighbour` on nginx's host says FAILED while a ping fails, too, or PERMANENT with a link address of no host. Not this: a link that is up and whose upstream does not answer to ping; a firewall may be why.",
  cure: {
    how: [
      'On the upstream; the routes over gateways, and IPv6 addresses, are gone with the link and must be brought back:',
      '  ip link set eth0 up',
      '  ip route add default via 172.16.0.1',
      "Where nobody answers, start the host or correct the address in nginx; until then put `down` on its `server` line. A wrong entry on nginx's host goes with",
      '  ip neighbour del 172.16.0.12 dev eth1',
    ].join('\n'),
    touches: ['route', 'nginx'],
  },
  run: (c) => [...downLinks(c), ...unanswered(c)],
};

function downLinks(c: Case): Conclusion[] {
  return [...groupBy(brokenBy(c, 'link-down'), ({ step }) => step.host)].map(([host, broken]) => {
    const links = distinct(broken.flatMap(({ step }) => step.in ?? []));
    return concludeFrom(broken, {
      host,
      certainty: 'proven',
      summary: `the link ${links.join(', ')} of ${host}, over which nginx reaches it, is set down (${serviceList(broken)})`,
      cures: cures(c, host, links, broken),
      verify: links.map((link) => `ip link show dev ${link}   # must say UP`),
    });
  });
}

/** Nobody has the address, as far as the link can tell: what can be done from here is on nginx's host. */
function unanswered(c: Case): Conclusion[] {
  return [...groupBy(brokenBy(c, 'no-neighbour'), ({ step }) => step.host)].map(([host, broken]) => {
    const upstreams = distinct(broken.flatMap(({ walk }) => walk.upstream.address ?? []));
    const left = takeOut(c, broken);
    return concludeFrom(broken, {
      host,
      certainty: 'proven',
      summary: `${host} gets no packet to ${list(upstreams)}: ${distinct(broken.map(({ step }) => step.did)).join('; ')} (${serviceList(broken)})`,
      cures: [...misleading(c, host, broken), ...(left ? [left] : [])],
      verify: upstreams.map((address) => `ip neighbour show ${address}   # must have an lladdr and not say FAILED`),
    });
  });
}

function misleading(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const entries = distinct(
    broken.flatMap(({ step, walk }) => {
      const entry = step.out === undefined ? undefined : neighbourAt(snapshot, step.out, walk.upstream.address ?? '');
      return entry && isMisleading(c.snapshots, host, entry) ? [entry] : [];
    }),
  );
  const drops = entries.map((entry) => dropNeighbour(snapshot, entry, 'the kernel then asks the link who has the address'));
  return drops.length > 0 ? [combine(host, drops)] : [];
}

/** Up again, with the default route that went away. */
function cures(c: Case, host: string, links: readonly string[], broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  if (!snapshot) return [];
  const up = links.map((link) => setLinkUp(snapshot, link, 'nothing comes in or goes out on a link that is down'));
  const routes = [...groupBy(broken, ({ step }) => String(step.packet.family)).values()].flatMap(([first]) => {
    const gateway = first && wayToHost(c, host, first.walk);
    return gateway ? (defaultRouteVia(snapshot, first.step.packet.family, gateway) ?? []) : [];
  });
  return [combine(host, [...up, ...routes]), combine(host, up)];
}

export default rule;
