import { familyOf } from '../../src/net/address.js';
import { network } from '../../src/net/prefix.js';
import type { Address, Facts, Family, Link, PolicyRule, Route, Snapshot } from '../../src/types.js';

/** Seconds since the epoch at which every made snapshot was taken; nginx's workers started an hour before. */
export const now = 1_750_000_000;

export interface HostPlan {
  name: string;
  /** Link → addresses with prefix length. */
  links: Readonly<Record<string, readonly string[]>>;
  /** Next hops of the default routes, one for each family at most, on the first link. */
  gateways?: readonly string[];
  /** Facts that differ from those of an idle host. */
  facts?: Partial<Facts>;
}

/** The snapshot of a host with Debian's defaults: no firewall, strict rp_filter, no forwarding, the routes its addresses bring along. */
export function makeHost({ name, links, gateways = [], facts = {} }: HostPlan): Snapshot {
  const names = Object.keys(links);
  const addresses = [
    ...addressesOf('lo', ['127.0.0.1/8', '::1/128'], 'host'),
    ...names.flatMap((link) => addressesOf(link, links[link] ?? [], 'global')),
  ];
  const all: Omit<Facts, 'bootConfiguration'> = {
    clock: { epochSeconds: now, utcOffsetSeconds: 0, uptimeSeconds: 90_000 },
    platform: { os: 'Debian GNU/Linux 12', family: ['debian'], versionId: '12', kernel: '6.1.0-18-amd64', init: 'systemd' },
    links: ['lo', ...names].map((link, index) => linkOf(link, index, name)),
    addresses,
    neighbours: [],
    policyRules: defaultRules,
    routes: [...addresses.flatMap(routesOf), ...gateways.map((via) => defaultRoute(via, names[0] ?? 'lo'))],
    sysctls: { ...sysctlsOf(names), ...facts.sysctls },
    iptablesLegacy: [],
    iptablesNft: [],
    nft: [],
    trafficControl: { qdiscs: [], filters: [] },
    sockets: [],
    counters: {},
    kernelFeatures: { release: '6.1.0-18-amd64', features },
    nginx: { masters: [], elsewhere: [] },
    nginxConfig: [],
    nginxErrors: [],
    nginxClients: [],
    hostNames: {},
    selinux: { mode: 'disabled', denials: [] },
    kernelRoutes: [],
    pings: [],
    outbound: [],
    tools: ['ip', 'iptables', 'ip6tables', 'nft', 'tc'],
    networkManagers: [],
  };
  const merged = { ...all, ...facts, sysctls: all.sysctls };
  const entries = Object.entries(merged).map(([fact, value]) => [fact, { ok: true, value }]);
  const boot = facts.bootConfiguration
    ? []
    : [['bootConfiguration', { ok: false, why: 'this network namespace is not that of process 1' }]];
  return { format: 1, host: name, takenAt: new Date(now * 1000).toISOString(), facts: Object.fromEntries([...entries, ...boot]) };
}

const features = {
  act_nat: true,
  cls_u32: true,
  cls_flower: true,
  nf_tables: true,
  nft_socket: true,
  xt_socket: true,
  xt_TPROXY: true,
  nf_conntrack: true,
};

function familyFor(text: string): Family {
  return familyOf(text) ?? 4;
}

function addressesOf(link: string, prefixes: readonly string[], scope: string): Address[] {
  return prefixes.map((prefix) => {
    const [address = '', length = '32'] = prefix.split('/');
    return { link, family: familyFor(address), address, prefixLength: Number(length), scope };
  });
}

/** MACs are made of the host's name, so that no two links share one. */
function linkOf(name: string, index: number, host: string): Link {
  const sum = [...host].reduce((total, letter) => (total * 31 + letter.charCodeAt(0)) % 65_536, 7);
  const mac = `02:00:${(sum >> 8).toString(16).padStart(2, '0')}:${(sum & 255).toString(16).padStart(2, '0')}:00:0${index}`;
  return { name, index: index + 1, up: true, state: name === 'lo' ? 'UNKNOWN' : 'UP', mtu: 1500, ...(name === 'lo' ? {} : { mac }) };
}

const defaultRules: readonly PolicyRule[] = [
  { family: 4, priority: 0, action: 'table', table: 'local' },
  { family: 4, priority: 32_766, action: 'table', table: 'main' },
  { family: 4, priority: 32_767, action: 'table', table: 'default' },
  { family: 6, priority: 0, action: 'table', table: 'local' },
  { family: 6, priority: 32_766, action: 'table', table: 'main' },
];

/** What the kernel adds for an address: itself in `local`, its prefix in `main`. */
function routesOf({ link, family, address, prefixLength }: Address): Route[] {
  const own = link === 'lo' && family === 4 ? '127.0.0.0/8' : `${address}/${family === 4 ? 32 : 128}`;
  const prefix = network(`${address}/${prefixLength}`) ?? own;
  const near: Route = { family, type: 'unicast', to: prefix, table: 'main', nextHops: [{ link }], metric: 0, scope: 'link' };
  return [{ family, type: 'local', to: own, table: 'local', nextHops: [{ link }], metric: 0 }, ...(link === 'lo' ? [] : [near])];
}

export function defaultRoute(via: string, link: string, table = 'main'): Route {
  const family = familyFor(via);
  return { family, type: 'unicast', to: family === 4 ? '0.0.0.0/0' : '::/0', table, nextHops: [{ link, via }], metric: 0 };
}

function sysctlsOf(links: readonly string[]): Record<string, string> {
  const perLink = ['all', 'default', 'lo', ...links].flatMap((link) =>
    Object.entries({ rp_filter: link === 'all' || link === 'lo' ? '0' : '1', accept_local: '0', src_valid_mark: '0', forwarding: '0' }).map(
      ([name, value]) => [`net/ipv4/conf/${link}/${name}`, value] as const,
    ),
  );
  return {
    ...Object.fromEntries(perLink),
    'net/ipv4/ip_forward': '0',
    'net/ipv6/conf/all/forwarding': '0',
    'net/ipv4/ip_early_demux': '1',
    'net/ipv4/udp_early_demux': '1',
    'net/ipv4/tcp_early_demux': '1',
    'net/ipv4/ip_unprivileged_port_start': '1024',
  };
}
