import type { Snapshot, Touched } from '../types.js';
import { hasManager, type LinkManager, linkManagerOf } from './distribution.js';

/** State of the running kernel that a reboot loses. */
export type Kept = 'sysctl' | 'route' | 'policy-rule' | 'traffic-control';

/** The file that this project's advice puts sysctls into: sorted behind what distributions and clouds ship. */
export const sysctlFile = '/etc/sysctl.d/99-transparent-proxy.conf';
/** What brings back that for which nothing else does. */
export const unit = 'a unit of your own (Type=oneshot, RemainAfterExit=yes, After=network-online.target, systemctl enable)';

/** Where a policy rule or route is written so that its manager brings it back. */
const inManager: Readonly<Record<LinkManager, Readonly<Record<'route' | 'policy-rule', string>>>> = {
  netplan: {
    route: "under the link's `routes:` in /etc/netplan/*.yaml (`type: local` for a local route), then netplan apply",
    'policy-rule': "under the link's `routing-policy:` in /etc/netplan/*.yaml, then netplan apply",
  },
  'systemd-networkd': {
    route: "as a [Route] section (Type=local for a local route) of the link's /etc/systemd/network/*.network, then networkctl reload",
    'policy-rule': "as a [RoutingPolicyRule] section of the link's /etc/systemd/network/*.network, then networkctl reload",
  },
  NetworkManager: {
    route: 'in the connection: nmcli connection modify NAME +ipv4.routes "PREFIX [type=local] table=TABLE", then nmcli connection up NAME',
    'policy-rule':
      'in the connection: nmcli connection modify NAME +ipv4.routing-rules "priority N fwmark MARK table TABLE", then nmcli connection up NAME',
  },
  wicked: {
    route: 'in /etc/sysconfig/network/ifroute-LINK',
    'policy-rule': 'in /etc/sysconfig/network/ifrule-LINK',
  },
  ifupdown: {
    route: "as a post-up line of the link's stanza in /etc/network/interfaces",
    'policy-rule': "as a post-up line of the link's stanza in /etc/network/interfaces",
  },
};

/** What brings a tc filter back: no manager of links knows its actions, so its commands are run when the link is up. */
const afterLinkUp: Readonly<Record<LinkManager, string>> = {
  netplan: unit,
  'systemd-networkd': unit,
  NetworkManager: 'a script in /etc/NetworkManager/dispatcher.d, run when $2 is up, or a unit of your own',
  wicked: 'POST_UP_SCRIPT of /etc/sysconfig/network/ifcfg-LINK',
  ifupdown: "a post-up line of the link's stanza in /etc/network/interfaces",
};

/** How a change lasts over a reboot on this host, by its distribution and what manages its links. `what` is a sysctl assignment or the command. */
export function persistOf(kind: Kept, snapshot: Snapshot, what: string): string {
  if (kind === 'sysctl') return `put "${what}" into ${sysctlFile}${ufwSysctls(snapshot)}`;
  const manager = linkManagerOf(snapshot);
  if (kind === 'traffic-control') return `run "${what}" at boot: ${manager ? afterLinkUp[manager] : unit}`;
  const where = manager ? inManager[manager][kind] : `from ${unit}`;
  return `keep "${what}" for the next boot: ${where}`;
}

/** ufw writes its own sysctls after those of sysctl.d, each time it starts. */
function ufwSysctls(snapshot: Snapshot): string {
  return hasManager(snapshot, 'ufw') ? ', and look that /etc/ufw/sysctl.conf does not say otherwise' : '';
}

/** Undoing for good what something at boot sets up: the same thing has to go there. */
export const persistRemoval: Readonly<Record<'route' | 'traffic-control', string>> = {
  route: 'take the same route out of the network configuration',
  'traffic-control': 'take the same filters out of what brings the interface up',
};

type Means = readonly { family: string; how: string }[];
const everywhere = (how: string): Means => [{ family: 'any', how }];

const links: Means = [
  {
    family: 'debian',
    how: 'a post-up line in /etc/network/interfaces (ifupdown); routes: and routing-policy: in /etc/netplan/*.yaml (netplan); [Route] and [RoutingPolicyRule] in /etc/systemd/network/*.network (systemd-networkd, which takes away rules made by others)',
  },
  {
    family: 'rhel',
    how: 'nmcli connection modify NAME +ipv4.routes or +ipv4.routing-rules; before version 9 also /etc/sysconfig/network-scripts/route-LINK and rule-LINK',
  },
  { family: 'suse', how: '/etc/sysconfig/network/ifroute-LINK and ifrule-LINK (wicked), or nmcli as on rhel' },
  { family: 'alpine', how: 'an up line in /etc/network/interfaces' },
];

const byKind: Readonly<Record<Touched, Means>> = {
  nginx: everywhere('the file is what nginx reads at its next start: nothing else is needed'),
  sysctl: [
    { family: 'debian', how: `a line in ${sysctlFile}; with ufw also /etc/ufw/sysctl.conf, which is read later` },
    { family: 'rhel', how: `a line in ${sysctlFile}; NetworkManager and tuned may set others later` },
    { family: 'suse', how: `a line in ${sysctlFile}` },
    { family: 'alpine', how: `a line in ${sysctlFile}, and rc-update add sysctl boot` },
  ],
  firewall: [
    {
      family: 'debian',
      how: 'iptables-save > /etc/iptables/rules.v4 (package iptables-persistent); nft: /etc/nftables.conf and systemctl enable nftables; with ufw: ufw allow, and a *mangle section in /etc/ufw/before.rules',
    },
    {
      family: 'rhel',
      how: 'firewall-cmd --permanent with firewalld; else iptables-save > /etc/sysconfig/iptables (package iptables-services), or nft: /etc/sysconfig/nftables.conf and systemctl enable nftables',
    },
    { family: 'suse', how: 'firewall-cmd --permanent with firewalld; else a unit that reads the saved rules' },
    {
      family: 'alpine',
      how: 'rc-service iptables save and rc-update add iptables; nft: a file in /etc/nftables.d and rc-update add nftables',
    },
  ],
  route: links,
  'policy-rule': links,
  'traffic-control': [
    { family: 'debian', how: 'the tc commands as post-up lines in /etc/network/interfaces, or in a oneshot unit' },
    { family: 'rhel', how: 'a script in /etc/NetworkManager/dispatcher.d, or a oneshot unit' },
    { family: 'suse', how: 'POST_UP_SCRIPT of /etc/sysconfig/network/ifcfg-LINK, or a oneshot unit' },
    { family: 'alpine', how: 'up lines in /etc/network/interfaces' },
  ],
  unit: everywhere('a drop-in below /etc/systemd/system/NAME.service.d stays; systemctl enable NAME makes it start at boot'),
  package: everywhere('an installed package stays; a module that has to be loaded at boot goes into /etc/modules-load.d'),
  platform: everywhere('the platform keeps its own setting, but a machine made anew needs it again: put it where machines are described'),
  server: everywhere('the service that has to listen must be enabled as well: systemctl enable NAME'),
};

/** How a change of one kind lasts over a reboot, for each family of distributions; `any` where all agree. */
export function persistenceByFamily(kind: Touched): Means {
  return byKind[kind];
}
