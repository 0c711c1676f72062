import type { Packet } from '../types.js';
import { rewriteOnEgress, rewriteOnIngress } from './traffic-control.js';
import type { Trail } from './trail.js';
import { factOf } from './world.js';

/** Takes the packet through the tc filters of a link. Returns it as they leave it; a drop or a doubt is a step of its own. */
export function passControl(trail: Trail, side: 'ingress' | 'egress'): { packet: Packet; by?: string } {
  const control = factOf(trail.snapshot, 'trafficControl');
  const link = side === 'ingress' ? trail.in : trail.out;
  const { packet } = trail;
  if (!control || link === undefined) return { packet };
  const result = (side === 'ingress' ? rewriteOnIngress : rewriteOnEgress)(control, link, packet);
  if (result === 'none') return { packet };
  const source = `tc filter show dev ${link}${side === 'ingress' ? ' ingress' : ''}`;
  if ('packet' in result) return { packet: result.packet, by: result.by.text };
  if ('dropped' in result) {
    const by = [{ what: result.dropped.text, source }];
    trail.add({ place: side, code: 'firewall-dropped', did: `a tc filter on ${link} drops it`, by, outcome: 'broken' });
  } else {
    const by = [{ what: result.unknown.text, source }];
    trail.add({
      place: side,
      code: 'unknown',
      did: `a tc filter on ${link} cannot be evaluated: ${result.unknown.text}`,
      by,
      outcome: 'unknown',
    });
  }
  return { packet };
}
