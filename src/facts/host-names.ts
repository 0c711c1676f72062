import { isAddress } from '../net/address.js';
import type { Fact, Facts, Host } from '../types.js';
import { fromReply } from './fact.js';

/** Names that /etc/hosts knows, as getaddrinfo(3) would find them. */
export async function read(host: Host): Promise<Fact<Facts['hostNames']>> {
  return fromReply(await host({ read: '/etc/hosts' }), '/etc/hosts', parseHosts);
}

/** hosts(5): an address and its names a line; `#` begins a comment. Names are lower case in the result. */
export function parseHosts(text: string): Facts['hostNames'] {
  const names: Record<string, string[]> = Object.create(null);
  for (const line of text.split('\n')) {
    const [address = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!isAddress(address)) continue;
    for (const alias of aliases) {
      names[alias.toLowerCase()] ??= [];
      const addresses = names[alias.toLowerCase()];
      if (addresses && !addresses.includes(address)) addresses.push(address);
    }
  }
  return names;
}
