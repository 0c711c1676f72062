import { z } from 'zod';
import type { Address, Fact, Host } from '../types.js';
import { fromReply } from './fact.js';
import { parseList } from './iproute.js';

export async function read(host: Host): Promise<Fact<readonly Address[]>> {
  return fromReply(await host({ run: ['ip', '-j', 'address', 'show'] }), 'addresses', parseAddresses);
}

const entry = z.object({
  ifname: z.string(),
  addr_info: z
    .array(
      z.object({
        family: z.string().optional(),
        local: z.string().optional(),
        prefixlen: z.number().optional(),
        scope: z.string().optional(),
      }),
    )
    .default([]),
});

/** Output of `ip -j address show`. */
export function parseAddresses(text: string): Address[] {
  return parseList(text, entry).flatMap(({ ifname, addr_info }) =>
    addr_info.flatMap(({ family, local, prefixlen, scope = 'global' }): Address[] => {
      if (local === undefined || prefixlen === undefined || (family !== 'inet' && family !== 'inet6')) return [];
      return [{ link: ifname, family: family === 'inet' ? 4 : 6, address: local, prefixLength: prefixlen, scope }];
    }),
  );
}
