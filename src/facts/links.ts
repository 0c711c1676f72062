import { z } from 'zod';
import type { Fact, Host, Link } from '../types.js';
import { fromReply } from './fact.js';
import { parseList } from './iproute.js';

/** Links with their kinds; without kinds where an old `ip -d` prints JSON that is none, as some did for single kinds of links. */
export async function read(host: Host): Promise<Fact<readonly Link[]>> {
  const detailed = fromReply(await host({ run: ['ip', '-j', '-d', 'link', 'show'] }), 'ip -j -d link show', parseLinks);
  return detailed.ok ? detailed : fromReply(await host({ run: ['ip', '-j', 'link', 'show'] }), 'ip -j link show', parseLinks);
}

const entry = z.object({
  ifname: z.string(),
  ifindex: z.number(),
  flags: z.array(z.string()).default([]),
  operstate: z.string().default('UNKNOWN'),
  mtu: z.number().default(1500),
  address: z.string().optional(),
  master: z.string().optional(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
});

/** Output of `ip -j -d link show`. */
export function parseLinks(text: string): Link[] {
  return parseList(text, entry).map(({ ifname, ifindex, flags, operstate, mtu, address, master, linkinfo }) => ({
    name: ifname,
    index: ifindex,
    up: flags.includes('UP'),
    state: operstate,
    mtu,
    ...(address === undefined ? {} : { mac: address }),
    ...(master === undefined ? {} : { master }),
    ...(linkinfo?.info_kind === undefined ? {} : { kind: linkinfo.info_kind }),
  }));
}
