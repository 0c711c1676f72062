const probes = 8;

/**
 * Two 32-bit hashes → slot, in a fixed number of entries. An entry whose slot has been given to another transaction since (its generation is another)
 * is as good as empty; where all places for a key are taken, the one written longest ago goes, and is counted.
 */
export class KeyTable {
  /** Entries that had to go though their slots were in use. */
  evicted = 0;
  private readonly mask: number;
  private readonly high: Uint32Array;
  private readonly low: Uint32Array;
  /** Slot + 1; 0: never written. */
  private readonly slot: Int32Array;
  private readonly generation: Uint32Array;

  /** @param capacity entries, rounded up to a power of two. @param current the generation of each slot now. */
  constructor(
    capacity: number,
    private readonly current: Uint32Array,
  ) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(probes, capacity)));
    this.mask = size - 1;
    this.high = new Uint32Array(size);
    this.low = new Uint32Array(size);
    this.slot = new Int32Array(size);
    this.generation = new Uint32Array(size);
  }

  /** The slot, or -1. */
  find(high: number, low: number): number {
    const { mask } = this;
    for (let n = 0, at = low & mask; n < probes; n++, at = (at + 1) & mask) {
      const held = this.slot[at] as number;
      if (held === 0) return -1;
      if (this.low[at] === low >>> 0 && this.high[at] === high >>> 0 && this.current[held - 1] === this.generation[at]) return held - 1;
    }
    return -1;
  }

  /** A key that is there already then leads to the new slot. */
  set(high: number, low: number, slot: number): void {
    const { mask } = this;
    let free = -1;
    let oldest = low & mask;
    for (let n = 0, at = low & mask; n < probes; n++, at = (at + 1) & mask) {
      const held = this.slot[at] as number;
      if (held === 0) {
        if (free < 0) free = at;
        break;
      }
      if (this.current[held - 1] !== this.generation[at]) {
        if (free < 0) free = at;
        continue;
      }
      if (this.low[at] === low >>> 0 && this.high[at] === high >>> 0) {
        free = at;
        break;
      }
      if ((this.generation[at] as number) < (this.generation[oldest] as number)) oldest = at;
    }
    if (free < 0) {
      free = oldest;
      this.evicted++;
    }
    this.low[free] = low;
    this.high[free] = high;
    this.slot[free] = slot + 1;
    this.generation[free] = this.current[slot] as number;
  }
}
