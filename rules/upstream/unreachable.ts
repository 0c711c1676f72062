import { combine } from '../../src/cures/combine.js';
import { defaultRouteVia } from '../../src/cures/default-route.js';
import { setLinkUp } from '../../src/cures/routing.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { wayToHost } from '../../src/reasoning/gateway.js';
import type { Case, Cure, Rule } from '../../src/types.js';

const rule: Rule = {
  title: "the upstream's link is down",
  why: 'A link that is set down takes no packet in. With it the kernel drops every route over that link, the default route among them, and with IPv6 the addresses too: after "ip link set up" they have to be brought back.',
  signs: {
    logs: "504 for this upstream: `upstream timed out (110: Connection timed out) while connecting to upstream`. nginx does not hear the ICMP host unreachable that its own host makes after 3 s, since it goes to the client's address: IcmpOutDestUnreachs there, IcmpInDestUnreachs on the client.",
    packets:
      "On nginx's inner link ARP requests for the upstream and no answer; no SYN leaves. Nothing at the upstream. The client gets an ICMP host unreachable from nginx's host.",
  },
  proof:
    '`ip link show` on the upstream has no UP among its flags. Not this: a link that is up and whose upstream does not answer to ping; a firewall may be why.',
  cure: {
    how: [
      'On the upstream; the routes over gateways, and IPv6 addresses, are gone with the link and must be brought back:',
      '  ip link set eth0 up',
      '  ip route add default via 172.16.0.1',
    ].join('\n'),
    touches: ['route'],
  },
  run: (c) =>
    [...groupBy(brokenBy(c, 'link-down'), ({ step }) => step.host)].map(([host, broken]) => {
      const links = distinct(broken.flatMap(({ step }) => step.in ?? []));
      return concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `the link ${links.join(', ')} of ${host}, over which nginx reaches it, is set down (${serviceList(broken)})`,
        cures: cures(c, host, links, broken),
        verify: links.map((link) => `ip link show dev ${link}   # must say UP`),
      });
    }),
};

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
