import { expect, test } from 'vitest';
import { broughtAbout } from '../kit/standing-risks.js';
import { carryOut, check } from './doctor.js';
import { type Change, type Lab, raiseLab } from './lab.js';
import { failing } from './probe.js';
import { faults } from './scenarios/index.js';
import { topologyOf } from './topologies.js';
import { needsUndo, stateOf, takeBack } from './undo.js';

/* Each kind of step once, several to a lab: what is printed is carried out and taken back, and the hosts are as they were. */

interface Kind {
  faults: readonly string[];
  /** On top of the faults: what undo could spoil. */
  beside?: readonly Change[];
  /** What shows that the kind is tried: commands that the fix must have. */
  types: readonly RegExp[];
}

const on = (host: string, run: string): Change => ({ host, run });

const kinds: Readonly<Record<string, Kind>> = {
  'rules of iptables and policy routing': {
    faults: [
      'proxy/mark-rule-missing (http)',
      'proxy/policy-rule-missing (IPv6)',
      'proxy/local-route-not-local (type blackhole)',
      'proxy/firewall-drops-client',
      'upstream/firewall-drops-request (dropped)',
    ],
    types: [
      /^iptables-nft .* -A PREROUTING/,
      /^iptables-nft .* -I INPUT/,
      /^ip -6 rule add/,
      /^ip route del blackhole/,
      /^ip route add local/,
    ],
  },
  'rules of nft added to chains that are there, forwarding, and routes with all that they say': {
    faults: [
      'proxy/firewall-drops-reply (at the link, before all other rules)',
      'dsr/rewrite-misses-upstream',
      'dsr/forwarding-off',
      'upstream/no-route-to-client',
      'upstream/no-route-to-client (IPv6)',
      'upstream/reply-bypasses-proxy',
    ],
    beside: [
      on('proxy', 'echo 1 > /proc/sys/net/ipv4/conf/eth0/forwarding; echo 0 > /proc/sys/net/ipv4/conf/all/accept_redirects'),
      on('dev2', 'ip route replace default via 172.16.0.2 dev eth0 proto static onlink mtu 1400'),
    ],
    types: [/^nft 'insert rule/, /^nft 'add rule/, /^sysctl -w/, /^ip route add/, /^ip -6 route add/, /^ip route replace/],
  },
  'what firewalld and ufw open': {
    faults: [
      "upstream/firewall-drops-request (firewalld's zone rejects it)",
      'upstream/firewall-drops-request (a rich rule of firewalld rejects it)',
      'upstream/firewall-drops-request (ufw does not allow it)',
      'upstream/firewall-drops-request (ufw rejects it before it would allow it)',
      'dsr/firewall-drops-reply (ufw routes nothing)',
    ],
    types: [/^firewall-cmd .*--add-port/, /^firewall-cmd .*--add-rich-rule/, /^ufw allow/, /^ufw prepend allow/, /^ufw route allow/],
  },
  'marks of several services as one table of nft beside a table of that name': {
    faults: ['dsr/reply-not-rewritten', 'proxy/policy-rule-shadowed'],
    beside: [
      on(
        'proxy',
        'iptables-nft -t mangle -F; ip6tables-nft -t mangle -F; nft -f - <<END\ntable ip transparent_proxy { chain mine { counter; }; }\nEND',
      ),
    ],
    types: [
      /^nft 'create table ip transparent_proxy_2;.* sport 80 .* sport 5300 .* sport 9000 /,
      /^nft 'create table ip6 transparent_proxy;/,
      /^ip rule add/,
    ],
  },
  'rules of iptables taken out from between others, in either back end, or moved': {
    faults: ['upstream/client-on-connected-subnet (overlapping prefix: clients are sought where they are not)'],
    beside: [
      on(
        'proxy',
        `iptables-nft -t mangle -D PREROUTING -p tcp -s 172.16.0.0/28 --sport 80 -j MARK --set-xmark 0x1/0xffffffff
for tool in iptables-nft iptables-legacy; do
  $tool -t mangle -A PREROUTING -p icmp -m comment --comment "the \\"first\\" of $tool" -j MARK --set-xmark 0x7/0xffffffff
  $tool -t mangle -A PREROUTING -i eth0 -p tcp --dport 80 -j TPROXY --on-port 80 --tproxy-mark 0x1/0x1
  $tool -t mangle -A PREROUTING -p tcp ! --sport 8 -m mark --mark 0x8 -j ACCEPT
done`,
      ),
    ],
    types: [/^iptables-nft .* -D PREROUTING/, /^iptables-legacy .* -D PREROUTING/, /^ip rule add from/],
  },
  'rules of nft taken out from between others': {
    faults: ['dsr/rewrite-twice', 'proxy/src-valid-mark', 'upstream/unreachable (its link is down)'],
    beside: [
      on(
        'dev2',
        `nft insert rule ip dsr rewrite udp sport 98 accept
nft add rule ip dsr rewrite oifname eth0 ip saddr 172.16.0.12 udp sport { 53, 5353 } counter ip saddr set 192.168.99.10 comment '"once more"'
nft add rule ip dsr rewrite udp sport 99 counter drop`,
      ),
    ],
    types: [/^nft 'delete rule/, /^sysctl -w/, /^ip link set/],
  },
  'a rewrite in the place of a wrong one, and edits': {
    faults: ['dsr/rewrite-wrong-port', 'nginx/transparent-keyword-missing (http)', 'nginx/responses-zero-but-replies-return'],
    types: [/^nft 'delete rule/, /^nft 'add rule/, / -s reload$/],
  },
};

async function everywhere(lab: Lab): Promise<object> {
  const states = lab.hosts.map(async ({ name }) => [name, await stateOf(lab, name)] as const);
  return Object.fromEntries(await Promise.all(states));
}

test.each(Object.entries(kinds))('%s', async (_, { faults: names, beside = [], types }) => {
  const chosen = names.flatMap((name) => faults.find((fault) => fault.name === name) ?? []);
  expect(chosen.map(({ name }) => name)).toEqual(names);
  const lab = await raiseLab(topologyOf(Object.assign({}, ...chosen)));
  try {
    for (const { changes } of chosen) await lab.change(changes);
    await lab.change(beside);
    const before = await everywhere(lab);
    const { report } = await check(lab);
    const fix = broughtAbout(report.diagnoses).flatMap((diagnosis) => diagnosis.fix);
    const commands = fix.flatMap((step) => (step.kind === 'command' ? [step.run] : []));
    for (const type of types) expect(commands).toContainEqual(expect.stringMatching(type));
    expect(fix.filter((step) => step.kind === 'command' && step.undo === undefined && needsUndo(step))).toEqual([]);

    await carryOut(lab, fix);
    expect(await failing(lab), 'what still fails after the fix').toEqual([]);
    expect(await everywhere(lab)).not.toEqual(before);

    await takeBack(lab, fix);
    expect(await everywhere(lab)).toEqual(before);
  } finally {
    await lab.remove();
  }
});
