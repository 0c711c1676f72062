import type { Fact, Facts, Host } from '../types.js';
import { known, unknown } from './fact.js';

const perLink = [
  'rp_filter',
  'accept_local',
  'src_valid_mark',
  'forwarding',
  'send_redirects',
  'route_localnet',
  'arp_ignore',
  'arp_filter',
];

const single = [
  'net/ipv4/ip_forward',
  'net/ipv4/ip_early_demux',
  'net/ipv4/tcp_early_demux',
  'net/ipv4/udp_early_demux',
  'net/ipv4/ip_nonlocal_bind',
  'net/ipv6/ip_nonlocal_bind',
  'net/ipv4/ip_unprivileged_port_start',
  'net/ipv4/ip_local_port_range',
  'net/ipv4/ip_local_reserved_ports',
  'net/ipv4/fwmark_reflect',
  'net/ipv4/tcp_fwmark_accept',
  'net/ipv6/bindv6only',
  'net/netfilter/nf_conntrack_max',
  'net/netfilter/nf_conntrack_count',
  'net/netfilter/nf_conntrack_tcp_loose',
  'net/bridge/bridge-nf-call-iptables',
  'net/bridge/bridge-nf-call-ip6tables',
];

/** The sysctls that decide about spoofed sources. A host without IPv6 or bridges simply lacks some. */
export async function read(host: Host): Promise<Fact<Facts['sysctls']>> {
  const patterns = [
    ...perLink.map((name) => `/proc/sys/net/ipv4/conf/*/${name}`),
    '/proc/sys/net/ipv6/conf/*/forwarding',
    ...single.map((path) => `/proc/sys/${path}`),
  ];
  const replies = await Promise.all(patterns.map((pattern) => host({ grep: '', in: pattern })));
  const first = replies[0];
  if (first && !first.ok) return unknown(`sysctls: ${first.why}`);
  const values = parseSysctls(replies.map((reply) => (reply.ok ? reply.text : '')).join('\n'));
  return Object.keys(values).length > 0 ? known(values) : unknown('sysctls: /proc/sys/net is not there');
}

/** Lines `/proc/sys/net/ipv4/conf/eth0/rp_filter:1`. Interface names contain no slash and no colon (dev_valid_name()). */
export function parseSysctls(text: string): Record<string, string> {
  const entries = text.split('\n').flatMap((line) => {
    const [, path, value] = /^\/proc\/sys\/(net\/[^:]+):(.*)$/.exec(line) ?? [];
    return path === undefined || value === undefined ? [] : [[path, value.trim()] as const];
  });
  return Object.fromEntries(entries);
}
