import type { Facts } from '../types.js';

type Sysctls = Facts['sysctls'];

/** A sysctl as a number; 0 when the host does not have it, which is what the kernel then does. `path` is relative to /proc/sys. */
export function sysctl(sysctls: Sysctls, path: string): number {
  const value = Number.parseInt(sysctls[path] ?? '0', 10);
  return Number.isFinite(value) ? value : 0;
}

function conf(sysctls: Sysctls, link: string, name: string): number {
  return sysctl(sysctls, `net/ipv4/conf/${link}/${name}`);
}

/** The larger of `all` and the link: IN_DEV_MAXCONF in include/linux/inetdevice.h. 0 off, 1 strict, 2 loose. */
export function reversePathFilter(sysctls: Sysctls, link: string): number {
  return Math.max(conf(sysctls, 'all', 'rp_filter'), conf(sysctls, link, 'rp_filter'));
}

/** `all` or the link: IN_DEV_ORCONF. */
export function acceptsLocalSource(sysctls: Sysctls, link: string): boolean {
  return conf(sysctls, 'all', 'accept_local') > 0 || conf(sysctls, link, 'accept_local') > 0;
}

/** `all` or the link: IN_DEV_ORCONF. */
export function validatesSourceByMark(sysctls: Sysctls, link: string): boolean {
  return conf(sysctls, 'all', 'src_valid_mark') > 0 || conf(sysctls, link, 'src_valid_mark') > 0;
}

/** `all` or the link: IN_DEV_TX_REDIRECTS. */
export function sendsRedirects(sysctls: Sysctls, link: string): boolean {
  return conf(sysctls, 'all', 'send_redirects') > 0 || conf(sysctls, link, 'send_redirects') > 0;
}

/** `all` or the link: IN_DEV_NET_ROUTE_LOCALNET. */
export function routesLoopback(sysctls: Sysctls, link: string): boolean {
  return conf(sysctls, 'all', 'route_localnet') > 0 || conf(sysctls, link, 'route_localnet') > 0;
}

/** `all` or the link: IN_DEV_IGNORE_ROUTES_WITH_LINKDOWN. */
export function ignoresRoutesWithoutCarrier(sysctls: Sysctls, link: string): boolean {
  return conf(sysctls, 'all', 'ignore_routes_with_linkdown') > 0 || conf(sysctls, link, 'ignore_routes_with_linkdown') > 0;
}

/** The link's own value decides, `all` (= ip_forward) only sets it: IN_DEV_FORWARD. */
export function forwards(sysctls: Sysctls, link: string, family: 4 | 6): boolean {
  if (family === 6) return sysctl(sysctls, 'net/ipv6/conf/all/forwarding') > 0;
  const own = sysctls[`net/ipv4/conf/${link}/forwarding`];
  return own === undefined ? sysctl(sysctls, 'net/ipv4/ip_forward') > 0 : Number(own) > 0;
}

/** IN_DEV_RX_REDIRECTS: a host heeds redirects where `all` or the link says so, one that forwards only where both do. 1 is the kernel's default. */
export function heedsRedirects(sysctls: Sysctls, link: string): boolean {
  const says = (where: string) => sysctls[`net/ipv4/conf/${where}/accept_redirects`] !== '0';
  return forwards(sysctls, link, 4) ? says('all') && says(link) : says('all') || says(link);
}
