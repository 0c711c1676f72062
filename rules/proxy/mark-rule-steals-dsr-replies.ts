import { combine } from '../../src/cures/combine.js';
import { admitFirst } from '../../src/cures/firewall-rules.js';
import { type Broken, brokenBy, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { baseChains } from '../../src/reasoning/dropped.js';
import type { Case, Cure, Rule } from '../../src/types.js';

const rule: Rule = {
  title: 'a mark rule pulls DSR replies into nginx',
  why: "With Direct Server Return the replies must be forwarded to the client. A mark rule of method 1 that matches them as well sends them to nginx's own host, where no socket waits any more: the kernel counts them in UdpNoPorts, and no client gets an answer.",
  signs: {
    logs: 'nginx logs nothing, and status 200. On its host UdpNoPorts grows by one for each answer; IpForwDatagrams does not.',
    packets: 'On the link to the upstreams request and answer. The answer goes no further: nothing leaves towards the client.',
  },
  proof:
    "The mark rule's counter and UdpNoPorts grow together with the requests of the Direct Server Return service. Not this: a service that does not forward replies to the client at all (nginx/responses-zero-but-replies-return), and early demux, which loses some of them and moves no counter.",
  cure: {
    how: [
      'Let these replies pass before the mark rule, or narrow that to the ports of method 1:',
      '  iptables -t mangle -I PREROUTING -s 172.16.0.0/28 -p udp --sport 53 -j ACCEPT',
      '  nstat -az UdpNoPorts',
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) => {
    const stolen = brokenBy(c, 'stolen').filter(
      ({ step, walk }) => step.leg === 'reply' && step.packet.mark !== 0 && walk.service.bind?.port !== 'none',
    );
    return [...groupBy(stolen, ({ step }) => step.host)].map(([host, broken]) => {
      const markers = broken.flatMap(({ walk }) => walk.steps.filter((step) => step.host === host && step.code === 'marked'));
      return concludeFrom(broken, {
        host,
        summary: `a mark rule on ${host} catches DSR replies and hands them to nginx instead of letting them through (${serviceList(broken)})`,
        evidence: markers.flatMap((step) => step.by.map((by) => ({ host, ...by }))),
        cures: cures(c, host, broken),
        verify: ["nstat -az UdpNoPorts   # on nginx's host: must not grow with the requests"],
      });
    });
  },
};

const marks = new Set(['mark', 'restore-mark', 'tproxy']);

/** The replies pass before any mark rule sees them. */
function cures(c: Case, host: string, broken: readonly Broken[]): Cure[] {
  const snapshot = c.snapshots.get(host);
  const first = broken[0];
  if (!snapshot || !first) return [];
  const { packet } = first.step;
  const places = baseChains(snapshot, 'prerouting', packet.family).filter(({ table }) =>
    table.chains.some((chain) => chain.rules.some((each) => each.steps.some((step) => 'do' in step && marks.has(step.do)))),
  );
  const admission = {
    family: packet.family,
    protocol: packet.protocol,
    sources: distinct(broken.map(({ step }) => step.packet.source)),
    ...(packet.sourcePort === undefined ? {} : { sourcePort: packet.sourcePort }),
  };
  const each = places.map((place) => admitFirst(snapshot, place, admission, 'DSR replies pass unmarked and are forwarded to the client'));
  return each.length > 1 ? [...each, combine(host, each)] : each;
}

export default rule;
