const probes = 8;

/** Slots as they are given out in turn: the one of the generation `given` is the newest. */
export interface Turns {
  readonly given: number;
  readonly capacity: number;
  /** Of each slot now. */
  readonly generation: Uint32Array;
}

/**
 * Two 32-bit hashes → slot, in a fixed number of entries. An entry whose slot has been given to another transaction since is as good as empty, which its
 * age tells without a look at the slot; where all places for a key are taken, the one written longest ago goes, and is counted.
 */
export class KeyTable {
  /** Entries that had to go though their slots were in use. */
  evicted = 0;
  private readonly mask: number;
  /** Of each entry the hash's halves, its slot + 1 (0: never written) and generation: side by side, so that a look-up waits for memory once. */
  private readonly entries: Int32Array;

  /** @param capacity entries, rounded up to a power of two */
  constructor(
    capacity: number,
    private readonly turns: Turns,
  ) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(probes, capacity)));
    this.mask = size - 1;
    this.entries = new Int32Array(size * 4);
  }

  /** The slot, or -1. */
  find(high: number, low: number): number {
    const { entries, mask } = this;
    for (let n = 0; n < probes; n++) {
      const at = ((low + n) & mask) * 4;
      const held = entries[at + 2] as number;
      if (held === 0) return -1;
      if (entries[at + 1] === (low | 0) && entries[at] === (high | 0) && this.isCurrent(at)) return held - 1;
    }
    return -1;
  }

  /** A key that is there already then leads to the new slot. */
  set(high: number, low: number, slot: number): void {
    const { entries } = this;
    const at = this.placeFor(high, low) * 4;
    entries[at] = high;
    entries[at + 1] = low;
    entries[at + 2] = slot + 1;
    entries[at + 3] = this.turns.generation[slot] as number;
  }

  /** Where the key is, else the first free place, else that of the entry written longest ago. */
  private placeFor(high: number, low: number): number {
    const { entries, mask } = this;
    let free = -1;
    let oldest = low & mask;
    for (let n = 0; n < probes; n++) {
      const place = (low + n) & mask;
      const held = entries[place * 4 + 2] as number;
      if (held === 0) return free < 0 ? place : free;
      if (!this.isCurrent(place * 4)) {
        if (free < 0) free = place;
      } else if (entries[place * 4 + 1] === (low | 0) && entries[place * 4] === (high | 0)) return place;
      else if (this.generationAt(place) < this.generationAt(oldest)) oldest = place;
    }
    if (free >= 0) return free;
    this.evicted++;
    return oldest;
  }

  private isCurrent(at: number): boolean {
    return ((this.turns.given - (this.entries[at + 3] as number)) | 0) < this.turns.capacity;
  }

  private generationAt(place: number): number {
    return (this.entries[place * 4 + 3] as number) >>> 0;
  }
}
