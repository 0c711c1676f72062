import { network } from '../../../src/net/prefix.js';
import type { Topology } from '../topology.js';

/** What random rules, routes and filters of one host are made of: the addresses of its lab. */
export interface Pool {
  host: string;
  /** eth0 … with the addresses of others on the same segment, of both families. */
  links: readonly { name: string; neighbours: readonly string[] }[];
  /** Addresses of clients, nginx and upstreams, and prefixes around them. */
  fourth: readonly string[];
  sixth: readonly string[];
  clients: readonly string[];
  /** Tables that the healthy host has routes in. */
  tables: readonly string[];
  /** Replies of direct server return are forwarded here, beside nginx's spoofed sockets. */
  forwardsBesideNginx: boolean;
}

const lengths = { 4: [32, 30, 28, 24], 6: [128, 126, 64] } as const;

export function poolOf({ hosts, probes }: Topology, host: string): Pool {
  const plan = hosts.find(({ name }) => name === host);
  if (!plan) throw new Error(`no host ${host}`);
  const others = hosts.filter(({ name }) => name !== host);
  const upstreams = new Set(Object.values(probes).flatMap((probe) => probe.upstreams.map(({ name }) => name)));
  const asked = Object.values(probes).flatMap(({ from, to }) => [...from, to]);
  const asking = hosts
    .filter(({ name }) => upstreams.has(name))
    .flatMap(({ links }) => links.flatMap(({ addresses }) => addresses.map(bare)));
  const all = [...asked, ...asking];
  const tables = [...(plan.setup ?? '').matchAll(/(?:table|lookup) (\d+)/g)].map(([, table = '']) => table);
  return {
    host,
    links: plan.links.map(({ segment }, i) => ({
      name: `eth${i}`,
      neighbours: others.flatMap(({ links }) =>
        links.filter((link) => link.segment === segment).flatMap(({ addresses }) => addresses.map(bare)),
      ),
    })),
    fourth: around(all, 4),
    sixth: around(all, 6),
    clients: [...new Set(Object.values(probes).flatMap(({ from }) => from))],
    tables: ['main', ...new Set(tables)],
    forwardsBesideNginx: plan.files?.['nginx.conf']?.includes('proxy_bind') === true && plan.sysctls?.['ipv4/ip_forward'] === '1',
  };
}

export const isSixth = (address: string): boolean => address.includes(':');

const bare = (address: string): string => address.replace(/\/\d+$/, '');

function around(all: readonly string[], family: 4 | 6): string[] {
  const own = all.filter((address) => isSixth(address) === (family === 6));
  return [...new Set(own.flatMap((address) => lengths[family].map((length) => network(`${address}/${length}`) ?? address)))];
}
