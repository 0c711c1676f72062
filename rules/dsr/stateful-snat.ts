import { type Broken, concludeFrom, distinct, groupBy, serviceList } from '../../src/reasoning/broken.js';
import { misfitEvidence, misfittedReplies, namesPort, replacing } from '../../src/reasoning/misfit.js';
import { type Rewrite, rewriteEvidence, rewritesOn } from '../../src/reasoning/rewrites.js';
import { concludeRisk } from '../../src/reasoning/risk.js';
import type { Case, Conclusion, Rule, Walk } from '../../src/types.js';

const rule: Rule = {
  title: 'SNAT or MASQUERADE in place of a stateless rewrite',
  why: 'Connection tracking on nginx\x27s host knows the flow already, in the other direction: nginx itself opened it under the client\x27s address. The nat table is asked for new flows only, so the rule\x27s counter stays 0 and the reply leaves unchanged. A router of its own, which sees nothing but replies, takes each for a new flow, and the rule works: with an entry in its table for every request, and another source port where two upstreams answer one client port.',
  signs: {
    logs: "nginx logs nothing, and status 200. The SNAT rule's counter stays 0 while requests fail; UdpNoPorts grows on the clients.",
    packets:
      'The client gets answers from `172.16.0.11:53`: unchanged. IpForwDatagrams grows: the answers do pass. On a router of its own: right for most, but a client that asks again from the same port within 30 s gets the answer of another upstream from port 175, say, and not from 53.',
  },
  proof:
    "A nat rule for this service's answers on the host where nginx opened the flow. On a router of its own SNAT does work and is a risk: watch nf_conntrack_count there. A masquerade for the upstreams' other traffic is no such rule.",
  cure: {
    how: [
      'A rewrite without state; `notrack` keeps connection tracking away from the answers:',
      "  nft 'add table ip dsr'",
      "  nft 'add chain ip dsr untrack { type filter hook prerouting priority -300; }; add rule ip dsr untrack ip saddr 172.16.0.11-172.16.0.14 udp sport 53 notrack'",
      "  nft 'add chain ip dsr rewrite { type filter hook postrouting priority 300; }; add rule ip dsr rewrite ip saddr 172.16.0.11-172.16.0.14 udp sport 53 ip saddr set 192.168.99.10'",
    ].join('\n'),
    touches: ['firewall'],
  },
  run: (c) => [...unasked(c), ...working(c)],
};

/** On nginx's host, where connection tracking knows the flow. */
function unasked(c: Case): Conclusion[] {
  return [...misfittedReplies(c, 'stateful')].map(([host, broken]) =>
    concludeFrom(broken, {
      host,
      summary: `a nat rule on ${host} is meant to rewrite the DSR replies, but connection tracking never asks it (${serviceList(broken)})`,
      evidence: misfitEvidence(broken),
      cures: replacing(c, host, broken, []),
      verify: [
        `from the client: dig @${broken[0]?.walk.vip} -p ${broken[0]?.walk.service.listeners[0]?.port} . NS   # or this service's own client`,
      ],
    }),
  );
}

/** On a router that sees nothing but replies it works, for as long as its table has room and no two replies want the same port. */
function working(c: Case): Conclusion[] {
  const translated = c.services.flatMap((service) => {
    const walks = c.walks.filter((walk) => walk.service === service);
    return walks.some(({ end }) => end === 'broken') ? [] : walks.flatMap((walk) => translation(c, walk) ?? []);
  });
  return [...groupBy(translated, ({ step }) => step.host)].map(([host, found]) => {
    const services = distinct(found.map(({ walk }) => walk.service));
    const rewrites = distinct(found.map(({ rewrite }) => rewrite));
    return concludeRisk(c, services, {
      host,
      summary: `${host} rewrites DSR replies by a nat rule, and keeps state for each of them (${serviceList(found)})`,
      steps: [
        `connection tracking on ${host} takes each reply for a new flow and asks the nat table about it`,
        'when its table is full, replies are dropped; where two upstreams answer one client port, the second gets another source port',
      ],
      evidence: rewrites.map((rewrite) => rewriteEvidence(host, rewrite)),
      explains: [],
      cures: replacing(c, host, found, rewrites.filter(namesPort)),
      verify: ['sysctl net.netfilter.nf_conntrack_count   # must not grow with the requests'],
    });
  });
}

interface Translated extends Broken {
  rewrite: Rewrite & { by: 'rule' };
}

/** The nat rule that gave a reply its new source on a router of its own. */
function translation(c: Case, walk: Walk): Translated | undefined {
  const at = walk.steps.findIndex(({ leg, code, host }) => leg === 'reply' && code === 'rewritten' && host !== walk.service.host);
  const [asked, step] = [walk.steps[at - 1], walk.steps[at]];
  if (!walk.service.mode.startsWith('dsr') || !step || !asked?.rule) return undefined;
  const rewrite = rewritesOn(c.snapshots.get(step.host)).find(
    (one) => one.by === 'rule' && one.action === 'nat' && one.rule === asked.rule,
  );
  return rewrite?.by === 'rule' ? { walk, step, rewrite } : undefined;
}

export default rule;
