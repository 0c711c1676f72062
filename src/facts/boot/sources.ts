import type { BootKind } from '../../types.js';

export interface Source {
  kind: BootKind;
  in: string;
  /** Basic regular expression of the lines to ask for; without it all, so that they can be counted. */
  only?: string;
}

/** A command that changes network state: those words, at the start of a word. */
export const commandLines =
  '\\(^\\|[^a-zA-Z0-9_-]\\)\\(ip\\|tc\\|nft\\|ip6\\{0,1\\}tables[a-z-]*\\|sysctl\\|/proc/sys/net\\)\\([^a-zA-Z0-9_]\\|$\\)';

/** Sections and keys of networkd and NetworkManager that are no secret: pre-shared and private keys stay on the host. */
const networkdLines =
  '^[[:space:]]*\\(\\[\\|Name=\\|Address=\\|Gateway=\\|DHCP=\\|Destination=\\|Type=\\|Table=\\|Metric=\\|GatewayOnLink=\\|IP[a-zA-Z0-9]*Forward[a-z]*=\\|IPMasquerade=\\|From=\\|To=\\|FirewallMark=\\|Priority=\\|Family=\\|IncomingInterface=\\|OutgoingInterface=\\|IPProtocol=\\|SourcePort=\\|DestinationPort=\\|InvertRule=\\)';
const managerLines = '^\\(\\[\\|interface-name=\\|method=\\|gateway=\\|address[0-9]\\|route\\|routing-rule\\)';
const netplanLines =
  '^[- ]*\\(network\\|ethernets\\|vlans\\|bonds\\|bridges\\|[a-zA-Z0-9_.:-]*:[[:space:]]*$\\|addresses\\|dhcp[46]\\|gateway[46]\\|routes\\|routing-policy\\|to\\|via\\|from\\|table\\|mark\\|priority\\|type\\|metric\\|- [0-9a-f"\'{]\\)';

const all = (kind: BootKind, ...patterns: string[]): Source[] => patterns.map((pattern) => ({ kind, in: pattern }));
const some = (kind: BootKind, only: string, ...patterns: string[]): Source[] => patterns.map((pattern) => ({ kind, in: pattern, only }));

/** The files that are asked for. A pattern that matches nothing costs nothing; where order matters, the first directory wins. */
export const sources: readonly Source[] = [
  ...some('sysctl', '^[^#;]*net[./]', '/etc/sysctl.d/*.conf', '/run/sysctl.d/*.conf', '/usr/local/lib/sysctl.d/*.conf'),
  ...some('sysctl', '^[^#;]*net[./]', '/usr/lib/sysctl.d/*.conf', '/lib/sysctl.d/*.conf', '/etc/sysctl.conf'),
  ...all('iptables-save', '/etc/iptables/rules*', '/etc/sysconfig/ip*tables'),
  ...all('nft', '/etc/nftables.*', '/etc/nftables*/*', '/etc/sysconfig/nftables.conf'),
  ...all('interfaces', '/etc/network/interfaces', '/etc/network/interfaces.d/*'),
  ...some('script', commandLines, '/etc/network/if-*up.d/*', '/etc/NetworkManager/dispatcher.d/*', '/etc/networkd-dispatcher/*.d/*'),
  ...some('script', commandLines, '/etc/rc.local', '/etc/rc.d/rc.local', '/etc/local.d/*.start', '/etc/init.d/boot.local'),
  ...some(
    'script',
    `^[^#]*@reboot.*${commandLines}`,
    '/etc/cron*',
    '/etc/cron.d/*',
    '/var/spool/cron/crontabs/root',
    '/var/spool/cron/root',
  ),
  ...some(
    'networkd',
    networkdLines,
    '/etc/systemd/network/*.network',
    '/run/systemd/network/*.network',
    '/usr/lib/systemd/network/*.network',
  ),
  ...some('networkd', networkdLines, '/etc/systemd/network/*.network.d/*.conf', '/run/systemd/network/*.network.d/*.conf'),
  ...some(
    'networkd-conf',
    '^\\(ManageForeign\\|IP[a-zA-Z0-9]*Forward\\)',
    '/usr/lib/systemd/networkd.conf.d/*.conf',
    '/etc/systemd/networkd.conf',
  ),
  ...some(
    'networkd-conf',
    '^\\(ManageForeign\\|IP[a-zA-Z0-9]*Forward\\)',
    '/run/systemd/networkd.conf.d/*.conf',
    '/etc/systemd/networkd.conf.d/*.conf',
  ),
  ...some('NetworkManager', managerLines, '/etc/NetworkManager/system-connections/*', '/run/NetworkManager/system-connections/*'),
  ...some('netplan', netplanLines, '/etc/netplan/*.yaml', '/run/netplan/*.yaml', '/lib/netplan/*.yaml'),
  ...all('ifcfg', '/etc/sysconfig/network-scripts/r[ou][ul][te]*-*', '/etc/sysconfig/network/ifr*', '/etc/sysconfig/network/routes'),
  ...some('ifcfg', '^\\(DEVICE\\|BOOTPROTO\\|GATEWAY\\|IPADDR\\|DEFAULTGW\\)', '/etc/sysconfig/*/ifcfg-*', '/etc/sysconfig/network'),
  ...some('firewalld-direct', '<rule\\|<passthrough', '/etc/firewalld/direct.xml'),
  ...some('firewalld-direct', '<masquerade', '/etc/firewalld/zones/*.xml', '/etc/firewalld/policies/*.xml'),
  ...some('firewalld-conf', '^\\(FirewallBackend\\|FlushAllOnReload\\)', '/etc/firewalld/firewalld.conf'),
  ...all('ufw-rules', '/etc/ufw/*.rules'),
  ...some('ufw-sysctl', '^[^#;]*net[./]', '/etc/ufw/sysctl.conf'),
  ...some('script', '^[[:space:]]*\\(Pre\\|Post\\)Up', '/etc/wireguard/*.conf'),
  // What is enabled is linked from here, wherever it was installed. Other programs' arguments may be secret.
  ...some(
    'unit',
    `^[[:space:]]*Exec\\(Start\\|Reload\\).*\\(${commandLines}\\|/etc/\\|/opt/\\|/usr/local/\\|/root/\\|/srv/\\|/home/\\|\\.sh\\)`,
    '/etc/systemd/system/*.wants/*.service',
  ),
  ...some('unit', '^[[:space:]]*Exec\\(Start\\|Reload\\)', '/etc/systemd/system/*.service', '/etc/systemd/system/*.service.d/*.conf'),
];
