import type { ClockOffset } from '../types.js';
import { LowerHull } from './lower-hull.js';

/** Drift that crystals do not have is an artefact of few samples: per microsecond. */
const greatestDrift = 500e-6;
/** Fewer samples tell an offset, but no drift. */
const enoughForDrift = 64;

/** How far a host's clock is from the first host's: the offset at a time and its growth, and what the offset may be wrong by. */
interface Reading {
  at: number;
  offset: number;
  drift: number;
  bound: number;
}

/**
 * Offsets between the hosts' clocks, from packets that were seen at two hosts: what comes later on its way cannot have come earlier in time. Each pair of
 * sightings bounds the difference of two clocks from one side; way and way back bound it from both, over further hosts too.
 */
export class Clocks {
  private readonly hulls = new Map<string, LowerHull>();
  private readonly drifts = new Map<string, number>();
  private origin: number | undefined;
  private earliest = Number.POSITIVE_INFINITY;
  private latest = Number.NEGATIVE_INFINITY;

  /** @param hosts the first is the one that others are compared with */
  constructor(private readonly hosts: readonly string[]) {}

  /**
   * A packet left `from` and was then at `to`. Times in microseconds, each by its host's own clock; `when` is the same moment by the first host's as far as it
   * is known, since a drift is a matter of time.
   */
  add(from: string, leftAt: number, to: string, cameAt: number, when = leftAt): void {
    const key = `${from}\n${to}`;
    const hull = this.hulls.get(key) ?? new LowerHull();
    this.hulls.set(key, hull);
    this.earliest = Math.min(this.earliest, when);
    this.latest = Math.max(this.latest, when);
    // Large numbers cost digits: times are kept relative to the first.
    this.origin ??= when;
    hull.add(when - this.origin, cameAt - leftAt);
    this.drifts.clear();
  }

  /** Hosts without any sample in common with the others are left out. */
  readings(): Map<string, Reading> {
    const span = this.latest - this.earliest;
    const [early, middle, late] = [0.25, 0.5, 0.75].map((part) => this.earliest + span * part) as [number, number, number];
    const [a, b, c] = [this.at(early), this.at(middle), this.at(late)];
    const readings = new Map<string, Reading>();
    for (const [host, { offset, bound }] of b) {
      const drift = span > 0 ? ((c.get(host)?.offset ?? offset) - (a.get(host)?.offset ?? offset)) / (late - early) : 0;
      readings.set(host, { at: middle, offset, bound, drift });
    }
    return readings;
  }

  /** What a host's clock is ahead of the first host's at a time by that, in microseconds; undefined where packets do not tell. */
  offsetAt(): (host: string, at: number) => number | undefined {
    const readings = this.readings();
    return (host, at) => {
      const reading = readings.get(host);
      return reading && reading.offset + reading.drift * (at - reading.at);
    };
  }

  offsets(): ClockOffset[] {
    return [...this.readings()].map(([host, { offset, bound }]) => ({ host, offsetUs: Math.round(offset), boundUs: Math.ceil(bound) }));
  }

  /** Offsets as good as can be had; where packets went one way only, as if they had taken no time. */
  rough(): Map<string, number> {
    const most = this.mostAt((this.earliest + this.latest) / 2);
    const rough = new Map<string, number>();
    this.hosts.forEach((host, n) => {
      const [ahead, behind] = [most[0]?.[n] as number, most[n]?.[0] as number];
      if (Number.isFinite(ahead) || Number.isFinite(behind))
        rough.set(host, Number.isFinite(ahead) ? (Number.isFinite(behind) ? (ahead - behind) / 2 : ahead) : -behind);
    });
    return rough;
  }

  /** Shortest paths over "is at most so much ahead": the closest bound that follows from all samples (Floyd and Warshall). */
  private mostAt(time: number): number[][] {
    const { hosts } = this;
    const most = hosts.map((a) => hosts.map((b) => (a === b ? 0 : this.delayAt(a, b, time))));
    for (let k = 0; k < hosts.length; k++)
      for (const from of most)
        for (let b = 0; b < hosts.length; b++) {
          const by = (from[k] as number) + ((most[k] as number[])[b] as number);
          if (by < (from[b] as number)) from[b] = by;
        }
    return most;
  }

  private at(time: number): Map<string, { offset: number; bound: number }> {
    return this.read(this.mostAt(time));
  }

  private read(most: readonly (readonly number[])[]): Map<string, { offset: number; bound: number }> {
    const known = new Map<string, { offset: number; bound: number }>();
    this.hosts.forEach((host, n) => {
      const [ahead, behind] = [most[0]?.[n] as number, most[n]?.[0] as number];
      if (ahead !== Number.POSITIVE_INFINITY && behind !== Number.POSITIVE_INFINITY)
        known.set(host, { offset: (ahead - behind) / 2, bound: Math.max(0, (ahead + behind) / 2) });
    });
    return known;
  }

  private delayAt(from: string, to: string, time: number): number {
    const hull = this.hulls.get(`${from}\n${to}`);
    if (!hull) return Number.POSITIVE_INFINITY;
    const drift = this.driftOf(from, to);
    return hull.baseOf(drift) + drift * (time - (this.origin ?? 0));
  }

  /**
   * How much the delays grow per microsecond because one clock is faster: what grows on the way shrinks on the way back. Of all drifts the true one leaves
   * most room between the least delays there and back; the room is a concave function of the drift, so that its maximum is found by dividing (after
   * S. Moon, P. Skelly, D. Towsley, "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999, who look at one way).
   */
  private driftOf(from: string, to: string): number {
    const key = `${from}\n${to}`;
    const known = this.drifts.get(key);
    if (known !== undefined) return known;
    const [there, back] = [this.hulls.get(key), this.hulls.get(`${to}\n${from}`)];
    let drift = 0;
    if (there && back && Math.min(there.count, back.count) >= enoughForDrift) {
      for (const hull of [there, back]) hull.reduce();
      let [low, high] = [-greatestDrift, greatestDrift];
      for (let n = 0; n < 60; n++) {
        const [a, b] = [low + (high - low) / 3, high - (high - low) / 3];
        if (there.baseOf(a) + back.baseOf(-a) < there.baseOf(b) + back.baseOf(-b)) low = a;
        else high = b;
      }
      drift = (low + high) / 2;
    }
    this.drifts.set(key, drift);
    return drift;
  }
}
