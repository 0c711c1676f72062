import type { Headers } from '../packets/headers.js';

/** What joining needs of a later fragment. */
export type Fragment = Pick<Headers, 'source' | 'destination' | 'family' | 'direction' | 'ttl' | 'ipId'>;

interface Early {
  point: number;
  time: number;
  high: number;
  low: number;
  fragment: Fragment;
}

/** Of all points together: fragments are few, and what floods hosts with them must not fill the memory. */
const most = 256;

/**
 * Later fragments whose first one was not seen yet: captures of several points come in any order, and a first fragment that was rewritten is
 * known by what another point saw of it. The oldest gives way.
 */
export class EarlyFragments {
  private kept: Early[] = [];

  keep(point: number, time: number, key: { high: number; low: number }, { source, destination, ...rest }: Fragment): void {
    if (this.kept.length === most) this.kept.shift();
    const { family, direction, ttl, ipId } = rest;
    const fragment = { source: source.slice(), destination: destination.slice(), family, direction, ttl, ipId };
    this.kept.push({ point, time, high: key.high, low: key.low, fragment });
  }

  /** Hands over those with this key, and forgets them. */
  take(high: number, low: number): readonly Early[] {
    if (this.kept.length === 0) return [];
    const taken = this.kept.filter((early) => early.high === high && early.low === low);
    if (taken.length > 0) this.kept = this.kept.filter((early) => !taken.includes(early));
    return taken;
  }
}
