import type { Fact, Facts, Host } from '../types.js';
import { known, unknown } from './fact.js';

const perLink = [
  'accept_local',
  'accept_redirects',
  'arp_filter',
  'arp_ignore',
  'forwarding',
  'ignore_routes_with_linkdown',
  'route_localnet',
  'rp_filter',
  'send_redirects',
  'src_valid_mark',
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
  'net/netfilter/nf_conntrack_tcp_be_liberal',
  'net/bridge/bridge-nf-call-iptables',
  'net/bridge/bridge-nf-call-ip6tables',
];

/** Files that every link has below net/ipv4/conf; a few others match and are left out of the fact. */
const perLinkPattern = '/proc/sys/net/ipv4/conf/*/[afirs][cogrpe]*';

/** The sysctls that decide about spoofed sources. A host without IPv6, conntrack or bridges lacks some, which is no failure. */
export async function read(host: Host): Promise<Fact<Facts['sysctls']>> {
  const replies = await Promise.all([
    host({ grep: '', in: perLinkPattern }),
    host({ grep: '', in: '/proc/sys/net/ipv6/conf/*/forwarding' }),
    // One program for all: it fails when a file is missing and still prints the others.
    host({ run: ['grep', '-sH', '', ...single.map((path) => `/proc/sys/${path}`)] }),
  ]);
  const cut = replies.some((reply) => reply.ok && reply.truncated);
  const values = parseSysctls(replies.map((reply) => reply.text ?? '').join('\n'));
  if (!cut && Object.hasOwn(values, 'net/ipv4/ip_forward')) return known(values);
  const failed = replies.find((reply) => !reply.ok && reply.text !== '') ?? replies.find((reply) => !reply.ok);
  return unknown(`sysctls: ${failed && !failed.ok ? failed.why : 'not all could be read'}`);
}

/** Lines `/proc/sys/net/ipv4/conf/eth0.100/rp_filter:1`, only those that matter. Names of links contain neither slash nor colon (dev_valid_name()). */
export function parseSysctls(text: string): Record<string, string> {
  const entries = text.split('\n').flatMap((line) => {
    const [, path = '', value = ''] = /^\/proc\/sys\/(net\/[^:]+):(.*)$/.exec(line) ?? [];
    return isWanted(path) ? [[path, value.trim().replace(/\s+/g, ' ')] as const] : [];
  });
  return Object.fromEntries(entries);
}

const singles = new Set(single);
const ofLinks = new Set(perLink);

function isWanted(path: string): boolean {
  const [, family, name] = /^net\/ipv([46])\/conf\/[^/]+\/(\w+)$/.exec(path) ?? [];
  if (family === '6') return name === 'forwarding';
  return singles.has(path) || (name !== undefined && ofLinks.has(name));
}
