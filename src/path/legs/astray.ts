import { sameAddress } from '../../net/address.js';
import { contains } from '../../net/prefix.js';
import { failedPings, neighbourAt } from '../neighbours.js';
import type { Trail } from '../trail.js';
import { connectedPrefixes, facingLink, factOf, ownersOf } from '../world.js';

/**
 * Whether the packet leaves nginx's host where its end is not, although that end is on a segment that both are connected to. Told only where a
 * ping fails as well and nobody answers for the next hop's link address: else proxy ARP or a router that nobody named may carry it.
 */
export function isAstray(trail: Trail, nextHop: string): boolean {
  const { out, host, packet, snapshot, snapshots } = trail;
  const { destination, family } = packet;
  const [owner, ...others] = ownersOf(snapshots, destination).filter((name) => name !== host);
  if (out === undefined || owner === undefined || others.length > 0) return false;
  const near = connectedPrefixes(snapshot, family).find(
    ({ prefix, link }) => contains(prefix, destination) && facingLink(snapshots, host, link, owner) !== undefined,
  );
  const isStraight = sameAddress(nextHop, destination);
  if (!near || (isStraight && facingLink(snapshots, host, out, owner) !== undefined)) return false;
  if (!isStraight && ownersOf(snapshots, nextHop).length > 0) return false;
  const neighbour = neighbourAt(snapshot, out, nextHop);
  const isFailed = neighbour?.mac === undefined && neighbour?.states.some((state) => state === 'FAILED' || state === 'INCOMPLETE') === true;
  // Links without addresses of their own (tunnels) ask nobody; a gateway that was not asked of late may be there.
  const asks =
    isStraight && neighbour === undefined && factOf(snapshot, 'links')?.some(({ name, mac }) => name === out && mac !== undefined);
  const pings = failedPings(snapshot, destination);
  if (pings.length === 0 || !(isFailed || asks)) return false;
  const entry = neighbour && { what: `${nextHop} ${neighbour.states.join(' ')}`, source: `ip neighbour show dev ${out}` };
  trail.add({
    place: 'wire',
    code: 'astray',
    did: `nobody answers for ${nextHop} on ${out}: ${destination} is on ${near.link}`,
    by: [...(entry ? [entry] : []), ...pings],
    outcome: 'broken',
  });
  return true;
}
