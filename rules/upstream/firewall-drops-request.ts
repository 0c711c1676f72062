import type { Admission } from '../../src/cures/admission.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, list, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "the upstream's firewall does not admit clients",
  why: "Behind a transparent proxy the upstream sees the client's address. Rules from the time before, which admit nginx's own address alone, now drop or reject every request, or the reply to it; a rejection may show as 502 in nginx, a drop as 504.",
  signs: {
    logs: 'Dropped: 504, `upstream timed out (110: Connection timed out) while connecting to upstream`. Rejected: 502, `connect() failed (111: Connection refused)` (or 113), but only where ICMP errors are marked, too (socket match), or the reject is a TCP reset; else 504 as well. IcmpOutDestUnreachs on the upstream moves for a rejection, and the rule counts.',
    packets:
      "The SYN from the client's address reaches the upstream. Nothing comes out (dropped), or an ICMP error to the client's address (rejected), which nginx's host forwards to the client where no rule takes it in.",
  },
  proof:
    "A rule or policy there that fits the request, or the reply on its way out, and whose counter grows with the requests. A ping or curl from nginx's host itself proves nothing, because it comes from an address that is admitted. Not this: a request that is not seen at the upstream at all.",
  cure: {
    how: [
      'On the upstream, admit the service for all who may ask, before the rule that drops:',
      '  iptables -I INPUT -i eth0 -p tcp --dport 80 -j ACCEPT',
      'With firewalld open the port in the zone of that link, and once more with --permanent; what ufw allows lasts:',
      '  firewall-cmd --zone=public --add-port=80/tcp',
      '  ufw allow 80/tcp',
      'Cloud security groups filter by source as well.',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) => {
    const dropped = brokenBy(c, 'firewall-dropped').filter((broken) => isRequest(broken) || isReply(broken));
    return [...groupBy(dropped, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `the firewall on ${host} does not admit ${what(broken)} ${list(distinct(broken.map(({ walk }) => walk.client)))} (${serviceList(broken)})`,
        cures: admitting(c, host, broken, admissionOf, "requests come under the clients' own addresses now"),
        verify: distinct(broken.map(({ step }) => `the counters of the rules for ${step.place} on ${host} while a client asks`)),
      }),
    );
  },
};

const waysIn = ['ingress', 'prerouting', 'input'];

/** On the upstream itself: a router between is another's affair. */
function isRequest({ step, walk }: Broken): boolean {
  const arrived = step.leg === 'forward' && step.host !== walk.service.host && step.packet.destination === walk.upstream.address;
  return arrived && waysIn.includes(step.place);
}

/** The upstream's reply to nginx, where it is made: those of DSR have a cause of their own. */
function isReply({ step, walk }: Broken): boolean {
  const first = walk.steps.find(({ leg }) => leg === 'reply')?.host;
  return step.leg === 'reply' && step.host === first && step.host !== walk.service.host && !walk.service.mode.startsWith('dsr');
}

function what(broken: readonly Broken[]): string {
  return broken.every(isReply) ? 'replies to' : 'requests of';
}

function admissionOf(broken: Broken): Admission {
  const { family, protocol, source, sourcePort, destinationPort } = broken.step.packet;
  const common = { family, protocol };
  if (isReply(broken)) return { ...common, sources: [source], ...(sourcePort === undefined ? {} : { sourcePort }) };
  const link = broken.step.in;
  return { ...common, ...(link === undefined ? {} : { in: link }), ...(destinationPort === undefined ? {} : { destinationPort }) };
}

export default rule;
