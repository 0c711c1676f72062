import { setSysctls, sysctlName } from '../../src/cures/sysctl.js';
import { sysctl } from '../../src/path/sysctls.js';
import { factOf } from '../../src/path/world.js';
import { distinct, list } from '../../src/reasoning/broken.js';
import { concludeRisk } from '../../src/reasoning/risk.js';
import type { Case, Rule, Snapshot, Walk } from '../../src/types.js';

const switches = ['net/bridge/bridge-nf-call-iptables', 'net/bridge/bridge-nf-call-ip6tables'] as const;

const rule: Rule = {
  title: 'frames that a bridge merely passes on go through iptables as well',
  why: 'With bridge-nf-call-iptables=1 (br_netfilter, which Docker and Kubernetes load) what a bridge carries from port to port runs through PREROUTING, FORWARD and POSTROUTING as if it were routed. Rules that were written for routed packets then mark, drop or translate bridged ones; and a packet that is bridged and routed on one host meets them twice.',
  signs: {
    logs: 'None. Counters of FORWARD and PREROUTING rules grow by packets that this host does not route.',
    packets: 'A frame goes in on one port of the bridge and does not come out of the other, or comes out with another source.',
  },
  proof:
    "The service's packets come in or go out by a bridge of nginx's host, the sysctl is 1, and there are rules that such frames would meet. Without rules, or without a bridge on the way, it does nothing.",
  cure: {
    how: [
      'Unless a container platform on this host needs it:',
      '  sysctl -w net.bridge.bridge-nf-call-iptables=0',
      '  sysctl -w net.bridge.bridge-nf-call-ip6tables=0',
      'Else let the rules name the links that they are for.',
    ].join('\n'),
    touches: ['sysctl'],
  },
  run: (c) => {
    const bridged = c.walks.filter((walk) => walk.end !== 'broken' && passesBridge(c, walk));
    return distinct(bridged.map(({ service }) => service.host)).flatMap((host) => {
      const snapshot = c.snapshots.get(host);
      const on = snapshot ? switchedOn(snapshot) : [];
      if (!snapshot || on.length === 0) return [];
      const services = distinct(bridged.filter(({ service }) => service.host === host).map(({ service }) => service));
      return concludeRisk(c, services, {
        host,
        summary: `what the bridge on ${host} carries runs through its iptables rules, too (${list(services.map(({ id }) => id))})`,
        steps: [
          `the packets of ${list(services.map(({ id }) => id))} pass a bridge of this host`,
          'bridged frames meet the rules for routed packets',
        ],
        evidence: on.map((key) => ({ host, what: `${sysctlName(key)} = 1`, source: `/proc/sys/${key}` })),
        explains: [],
        cures: [
          setSysctls(
            snapshot,
            Object.fromEntries(on.map((key) => [key, 0])),
            'bridged frames then pass as frames; container platforms on this host may need it',
          ),
        ],
        verify: on.map((key) => `sysctl ${sysctlName(key)}   # must say 0`),
      });
    });
  },
};

function switchedOn(snapshot: Snapshot): string[] {
  const sysctls = factOf(snapshot, 'sysctls') ?? {};
  return switches.filter((key) => sysctl(sysctls, key) > 0 && hasRules(snapshot, key.endsWith('ip6tables') ? 'ip6' : 'ip'));
}

function hasRules(snapshot: Snapshot, family: 'ip' | 'ip6'): boolean {
  const tables = [
    ...(factOf(snapshot, 'iptablesLegacy') ?? []),
    ...(factOf(snapshot, 'iptablesNft') ?? []),
    ...(factOf(snapshot, 'nft') ?? []),
  ];
  return tables.some((table) => table.family === family && table.chains.some(({ rules }) => rules.length > 0));
}

/** The links by which nginx's host talks to clients and upstreams, when one of them is a bridge. */
function passesBridge(c: Case, { service, steps }: Walk): boolean {
  const links = factOf(c.snapshots.get(service.host), 'links') ?? [];
  const used = steps.filter(({ host }) => host === service.host).flatMap((step) => [step.in ?? [], step.out ?? []].flat());
  return links.some(({ name, kind }) => kind === 'bridge' && used.includes(name));
}

export default rule;
