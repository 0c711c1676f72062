import type { Family, FirewallTable, Hook, Snapshot } from '../types.js';
import { type Admission, protocolName } from './admission.js';
import { distributionOf } from './distribution.js';
import { firewallManagerOf } from './firewall-manager.js';
import { type FrontEnd, iptablesTool } from './front-end.js';
import { unit } from './persistence.js';
import { richRules } from './rich-rules.js';
import { commandLine } from './shell.js';

const saved: Readonly<Record<ReturnType<typeof distributionOf>, { iptables: (tool: string, family: Family) => string; nft: string }>> = {
  debian: {
    iptables: (tool, family) => `save the rules: ${tool}-save > /etc/iptables/rules.v${family} (package iptables-persistent)`,
    nft: 'add the same to /etc/nftables.conf and enable what reads it: systemctl enable nftables',
  },
  rhel: {
    iptables: (tool, family) =>
      `save the rules: ${tool}-save > /etc/sysconfig/${family === 6 ? 'ip6tables' : 'iptables'} (package iptables-services; systemctl enable ${family === 6 ? 'ip6tables' : 'iptables'})`,
    nft: 'add the same to a file in /etc/nftables, include it from /etc/sysconfig/nftables.conf, and systemctl enable nftables',
  },
  suse: {
    iptables: (tool, family) => `save the rules (${tool}-save > /etc/iptables.rules.v${family}) and restore them from ${unit}`,
    nft: `write the same to /etc/nftables.conf and read it with nft -f from ${unit}`,
  },
  alpine: {
    iptables: (_tool, family) => {
      const service = family === 6 ? 'ip6tables' : 'iptables';
      return `save the rules: rc-service ${service} save, and rc-update add ${service}`;
    },
    nft: 'add the same to a file in /etc/nftables.d and rc-update add nftables',
  },
  other: {
    iptables: (tool, family) => `save the rules (${tool}-save > /etc/iptables.rules.v${family}) and restore them from ${unit}`,
    nft: `write the same to /etc/nftables.conf and read it with nft -f from ${unit}`,
  },
};

/** A rule of iptables in its words. */
export interface HandMade {
  frontEnd: Exclude<FrontEnd, 'nft'>;
  family: Family;
  table: string;
  chain: string;
  words: readonly string[];
}

/** How a rule of iptables that was added by hand lasts: where what manages the firewall keeps such, else where the distribution loads them from. */
export function lastingIptables(snapshot: Snapshot, rule: HandMade): string {
  const { frontEnd, family, table, chain, words } = rule;
  const manager = firewallManagerOf(snapshot);
  if (manager === 'firewalld') {
    const ip = family === 6 ? 'ipv6' : 'ipv4';
    const direct = commandLine('firewall-cmd', '--permanent', '--direct', '--add-rule', ip, table, chain, 0, ...words);
    return `firewalld empties the tables of iptables when it starts, stops or reloads; what it brings back itself: ${direct}`;
  }
  if (manager === 'ufw') return `ufw reload leaves it, a reboot does not: ${inBeforeRules(rule)}`;
  return saved[distributionOf(snapshot)].iptables(iptablesTool(frontEnd, family), family);
}

/** ufw reads these files at boot; of the filter table only its own chains are its to fill. */
function inBeforeRules({ family, table, chain, words }: HandMade): string {
  const file = `/etc/ufw/before${family === 6 ? '6' : ''}.rules`;
  const own = table === 'filter' ? `${family === 6 ? 'ufw6' : 'ufw'}-before-${chain.toLowerCase()}` : chain;
  const place =
    table === 'filter'
      ? 'as the first rule of *filter'
      : `between *${table} and COMMIT, two lines to add at its end where they are missing`;
  return `put "${commandLine('-A', own, ...words)}" into ${file}, ${place}`;
}

/** How a rule or table of nft lasts that no manager knows. */
export function lastingNft(snapshot: Snapshot): string {
  if (firewallManagerOf(snapshot) === 'firewalld')
    return `firewall-cmd --reload leaves it, a reboot does not: nftables.service and firewalld exclude each other, so read it with nft -f from ${unit}`;
  return saved[distributionOf(snapshot)].nft;
}

const permanent = (...words: readonly string[]): string => commandLine('firewall-cmd', '--permanent', ...words);

/** How what was admitted by hand in a base chain of firewalld's own table lasts: its next reload makes that table anew. */
export function lastingInFirewalld({ chains }: FirewallTable, hook: Hook | undefined, admission: Admission): string {
  const gone = 'its next reload takes this away';
  if (hook === 'prerouting' && admission.family === 6)
    return `${gone}; to look no more for the way back of IPv6: sed -i 's/^IPv6_rpfilter=.*/IPv6_rpfilter=no/' /etc/firewalld/firewalld.conf`;
  if (hook === 'forward') {
    const commands = policyCommands(admission);
    if (commands.length > 0) return `${gone} and brings a policy, if there is one by then: ${commands.join(' && ')}`;
  }
  const hiding = hook === 'postrouting' ? zonesThatHide(chains) : [];
  if (hiding.length > 0) {
    const commands = hiding.flatMap((zone) => hideOnly(zone, admission));
    return `${gone}; to hide the upstreams alone where they go out, not clients: ${commands.join(' && ')}`;
  }
  return `${gone}, and no zone has words for it: type it again then`;
}

/** From any zone to any, as replies go. */
function policyCommands(admission: Admission): string[] {
  const { family, protocol, sourcePort } = admission;
  const rules = richRules(admission, -1) ?? [];
  // One for each kind of reply, for none can be made twice; firewalld takes 17 letters.
  const policy = `replies${family === 6 ? '6' : ''}-${protocolName(protocol)}${sourcePort ?? ''}`;
  const options = ['--add-ingress-zone=ANY', '--add-egress-zone=ANY', ...rules.map((rule) => `--add-rich-rule=${rule}`)];
  return rules.length === 0
    ? []
    : [permanent(`--new-policy=${policy}`), ...options.map((option) => permanent(`--policy=${policy}`, option))];
}

/** Zones with masquerade: each has a chain `nat_POST_ZONE_allow`. */
function zonesThatHide(chains: FirewallTable['chains']): string[] {
  const hides = ({ rules }: FirewallTable['chains'][number]) =>
    rules.some(({ steps }) => steps.some((step) => 'do' in step && step.do === 'masquerade'));
  return chains.filter(hides).flatMap(({ name }) => /^nat_POST_(.+)_allow$/.exec(name)?.[1] ?? []);
}

function hideOnly(zone: string, { family, destinations = [] }: Admission): string[] {
  const rules = destinations.map((address) => `--add-rich-rule=rule family="ipv${family}" source address="${address}" masquerade`);
  return ['--remove-masquerade', ...rules].map((option) => permanent(`--zone=${zone}`, option));
}
