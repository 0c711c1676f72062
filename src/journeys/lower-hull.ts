const most = 1024;

/**
 * The lower convex hull of samples (time, delay) in bounded memory. Delays of a network lie on or above a line that is the difference of two clocks,
 * offset and drift, plus the least delay; queues only add to it.
 */
export class LowerHull {
  count = 0;
  private samples: [time: number, delay: number][] = [];

  add(time: number, delay: number): void {
    this.count++;
    this.samples.push([time, delay]);
    // What is above the hull of some is above the hull of all.
    if (this.samples.length === most) this.reduce();
  }

  /** The greatest value at time 0 of a line with this slope that has no sample below it. */
  baseOf(slope: number): number {
    return this.samples.reduce((least, [time, delay]) => Math.min(least, delay - slope * time), Number.POSITIVE_INFINITY);
  }

  /** Leaves only what can matter to a line. */
  reduce(): void {
    this.samples = hullOf(this.samples);
  }
}

function hullOf(samples: readonly [number, number][]): [number, number][] {
  const sorted = [...samples].sort(([a, x], [b, y]) => a - b || x - y);
  const hull: [number, number][] = [];
  for (const sample of sorted) {
    if (hull.at(-1)?.[0] === sample[0]) continue;
    for (;;) {
      const [b, a] = [hull.at(-1), hull.at(-2)];
      if (!a || !b || (b[0] - a[0]) * (sample[1] - a[1]) > (b[1] - a[1]) * (sample[0] - a[0])) break;
      hull.pop();
    }
    hull.push(sample);
  }
  return hull;
}
