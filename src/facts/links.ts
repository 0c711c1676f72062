import { z } from 'zod';
import type { Fact, Host, Link } from '../types.js';
import { fromReply } from './fact.js';
import { parseList } from './iproute.js';

export async function read(host: Host): Promise<Fact<readonly Link[]>> {
  return fromReply(await host({ run: ['ip', '-j', '-d', 'link', 'show'] }), 'links', parseLinks);
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
