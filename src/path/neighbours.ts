import { sameAddress } from '../net/address.js';
import type { Neighbour, Provenance, Snapshot } from '../types.js';
import { factOf, ownersOf, type Snapshots } from './world.js';

/** What a host's ARP or ND table says of an address. */
export function neighbourAt(snapshot: Snapshot | undefined, link: string, address: string): Neighbour | undefined {
  return factOf(snapshot, 'neighbours')?.find((entry) => entry.link === link && sameAddress(entry.address, address));
}

/** An entry that somebody has set by hand, whose link address is on none of the hosts, although the one that owns the address was asked. */
export function isMisleading(snapshots: Snapshots, host: string, { address, mac, states }: Neighbour): boolean {
  if (mac === undefined || !states.includes('PERMANENT')) return false;
  const has = (snapshot: Snapshot | undefined) => factOf(snapshot, 'links')?.some((link) => link.mac?.toLowerCase() === mac.toLowerCase());
  const owners = ownersOf(snapshots, address).filter((name) => name !== host && factOf(snapshots.get(name), 'links'));
  return owners.length > 0 && ![...snapshots.values()].some(has);
}

/** Pings to an address that got no answer. Alone they prove nothing. */
export function failedPings(snapshot: Snapshot | undefined, to: string): Provenance[] {
  const failed = (factOf(snapshot, 'pings') ?? []).filter((ping) => !ping.ok && sameAddress(ping.to, to));
  return failed.map(({ text }) => ({ what: text, source: `ping ${to}` }));
}
