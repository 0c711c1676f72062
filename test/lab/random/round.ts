import fc from 'fast-check';
import { filters } from './filters.js';
import type { Pool } from './pool.js';
import { routing, sysctls } from './routing.js';
import { firewallRules } from './rules.js';

/** What a round does to one host, as lines of POSIX sh. */
export const roundOn = (pool: Pool): fc.Arbitrary<readonly string[]> =>
  fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: firewallRules(pool) },
        { weight: 5, arbitrary: routing(pool) },
        { weight: 2, arbitrary: sysctls(pool) },
        { weight: 2, arbitrary: filters(pool) },
      ),
      { minLength: 3, maxLength: 6 },
    )
    .map((parts) => parts.flat());

/** Keeps what the healthy host has, in files beside its own. */
export const keep = ({ tables }: Pool): string =>
  [
    'iptables-nft-save > random.v4',
    'ip6tables-nft-save > random.v6',
    ...families.flatMap((f) => [
      `ip -${f} rule save > random.rules${f}`,
      ...tables.map((table) => `ip -${f} route save table ${table} > random.routes${f}-${table} 2>/dev/null || true`),
    ]),
    `for f in ${sysctlFiles}; do echo "$(cat $f) > $f"; done | sed 's/^/echo /' > random.sysctls`,
  ].join('\n');

const families = [4, 6] as const;

/** `all` first: writing its forwarding writes those of the links. */
const sysctlFiles = ['all', 'eth*']
  .flatMap((link) =>
    ['forwarding', 'rp_filter', 'accept_local', 'src_valid_mark', 'accept_redirects'].map((name) => `ipv4/conf/${link}/${name}`),
  )
  .concat([
    'ipv4/tcp_early_demux',
    'ipv4/udp_early_demux',
    'ipv4/ip_early_demux',
    'ipv6/conf/all/forwarding',
    'ipv6/conf/*/accept_redirects',
  ])
  .map((path) => `/proc/sys/net/${path}`)
  .join(' ');

export const restore = ({ tables, links }: Pool): string =>
  [
    ...links.map(({ name }) => `tc qdisc del dev ${name} clsact 2>/dev/null || true`),
    ...['iptables-nft', 'iptables-legacy', 'ip6tables-nft'].map(
      (tool) =>
        `for t in raw mangle filter; do ${tool} -t $t -F; ${tool} -t $t -X; done; ${tool} -P INPUT ACCEPT; ${tool} -P FORWARD ACCEPT`,
    ),
    'iptables-nft-restore < random.v4',
    'ip6tables-nft-restore < random.v6',
    'nft delete table inet dice 2>/dev/null || true',
    '. ./random.sysctls',
    ...families.flatMap((f) => [
      ...['77', ...tables].map((table) => `ip -${f} route flush table ${table} 2>/dev/null || true`),
      `ip -${f} rule flush; ip -${f} rule del pref 0; ip -${f} rule restore < random.rules${f}`,
      ...tables.map((table) => `ip -${f} route restore < random.routes${f}-${table}`),
      `ip -${f} route flush cache`,
    ]),
  ].join('\n');
