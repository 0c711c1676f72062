import type { Packet } from '../../types.js';
import type { Trail } from '../trail.js';
import { carry, takeIn } from './carry.js';

/**
 * nginx's own answer to its client, at the end of a path that brought the upstream's reply to it. `request` is the client's packet. Only what
 * stops it is told: beyond the named hosts it is not for nginx's host to know.
 */
export function answerClient(trail: Trail, request: Packet): void {
  const { family, protocol, source, destination, sourcePort, destinationPort } = request;
  const answer: Packet = {
    family,
    protocol,
    source: destination,
    destination: source,
    ...(destinationPort === undefined ? {} : { sourcePort: destinationPort }),
    ...(sourcePort === undefined ? {} : { destinationPort: sourcePort }),
    ...(protocol === 6 ? { tcpFlags: 18 } : {}),
    mark: 0,
  };
  const way = trail.aside(trail.host, answer, 'answer');
  if (carry(way, 'established') === 'there') takeIn(way, 'established');
  trail.adopt(way);
}
