import type { Admission } from '../../src/cures/admission.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { admitting } from '../../src/reasoning/dropped.js';
import type { Rule } from '../../src/types.js';

const rule: Rule = {
  title: "nginx's own host drops the client's request",
  why: "The client cannot even reach nginx: a rule or policy on its host drops the request before the listening socket. Nothing appears in the access log. A rule that lets only the host's own addresses out does the same a step later, for nginx asks under the client's.",
  signs: {
    logs: 'nginx logs nothing, neither access nor error: it never gets the request. The rule or policy that drops it counts. The client times out, or hears at once that the connection is refused where the rule rejects.',
    packets:
      "On nginx's outer link the client's SYN over and over and no answer, or an ICMP error or RST at once. Nothing on the link to the upstreams.",
  },
  proof:
    'A rule or policy of INPUT (or an earlier hook) that fits the request, whose counter grows. Not this: a SYN that never reaches the link, which was lost before, and a full accept queue (TcpExtListenDrops grows).',
  cure: {
    how: [
      "Admit the service's port, before the rule that drops it:",
      '  iptables -I INPUT -i eth0 -p tcp --dport 80 -j ACCEPT',
      'With firewalld open the port in the zone of that link, and once more with --permanent; what ufw allows lasts:',
      '  firewall-cmd --zone=public --add-port=80/tcp',
      '  ufw allow 80/tcp',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) => {
    const dropped = brokenBy(c, 'firewall-dropped').filter(
      ({ step, walk }) => step.leg === 'request' || step.leg === 'answer' || (step.leg === 'forward' && step.host === walk.service.host),
    );
    return [...groupBy(dropped, ({ step }) => step.host)].map(([host, broken]) =>
      concludeFrom(broken, {
        host,
        certainty: 'proven',
        summary: `the firewall on ${host} drops ${what(broken)} (${serviceList(broken)})`,
        cures: admitting(c, host, broken, admissionOf, "clients' requests are let in to nginx, and on to the upstreams"),
        verify: distinct(broken.map(({ step }) => `the counters of the rules for ${step.place} on ${host} while a client asks`)),
      }),
    );
  },
};

function what(broken: readonly Broken[]): string {
  if (broken.every(({ step }) => step.leg === 'answer')) return "nginx's answers to the clients";
  const onwards = broken.every(({ step }) => step.leg === 'forward');
  return `the clients' requests ${onwards ? 'as nginx sends them on, under their own address' : 'before nginx gets them'}`;
}

function admissionOf({ step: { packet, in: incoming, out: outgoing, leg } }: Broken): Admission {
  const { family, protocol, destinationPort, destination, sourcePort } = packet;
  if (leg === 'answer')
    return {
      family,
      protocol,
      ...(sourcePort === undefined ? {} : { sourcePort }),
      ...(outgoing === undefined ? (incoming === undefined ? {} : { in: incoming }) : { out: outgoing }),
    };
  const common = { family, protocol, ...(destinationPort === undefined ? {} : { destinationPort }) };
  if (leg === 'forward') return { ...common, destinations: [destination], ...(outgoing === undefined ? {} : { out: outgoing }) };
  return { ...common, ...(incoming === undefined ? {} : { in: incoming }) };
}

export default rule;
