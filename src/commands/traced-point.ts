import { macNumber } from '../engine/traced-services.js';
import type { TracedPoint } from '../journeys/tracer.js';
import { Direction } from '../packets/headers.js';
import type { CapturePoint } from '../types.js';

/** A capture as the joining of packets sees it; `mac` is the interface's own address, `direction` that of all its frames. */
export function pointOf({ host, iface, mac, direction }: CapturePoint & { mac?: string; direction?: 'in' | 'out' }): TracedPoint {
  return {
    host,
    iface,
    ownMacs: new Set(mac === undefined ? [] : macNumber(mac)),
    clockOffset: 0,
    ...(direction === undefined ? {} : { direction: direction === 'in' ? Direction.in : Direction.out }),
  };
}
