import { chance } from './traffic-chance.js';
import type { TrafficOptions } from './traffic-options.js';

/** Least and greatest time of each way between two sightings, in microseconds: wire, nginx, wire, upstream, wire, forwarding, wire. */
const ways: readonly (readonly [number, number])[] = [
  [80, 200],
  [30, 90],
  [20, 60],
  [100, 2000],
  [20, 60],
  [5, 15],
  [80, 200],
];
const perTransaction = ways.length + 1;
/** Transactions that are planned at a time. */
const batch = 8192;
/** An event's place among those planned: with the time before it, one number to sort by. */
const places = 2 ** 18;
const what = { begin: 1, loss: 2, where: 3, way: 16, delay: 32, longer: 48, copy: 64, later: 80 };

export interface Event {
  /** True time in whole microseconds after the first transaction's. */
  timeUs: number;
  transaction: number;
  sighting: number;
  isCopy: boolean;
}

/** All sightings in the order of true time, planned some transactions ahead. */
export class Schedule {
  /** How many events are ready after `next`. */
  due = 0;
  readonly seen: Uint8Array;
  private readonly seed: number;
  private readonly gapUs: number;
  private planned = 0;
  private count = 0;
  private readonly keys = new Float64Array(places);
  private readonly transactions = new Uint32Array(places);
  /** Sighting, and 8 more for a copy. */
  private readonly kinds = new Uint8Array(places);
  private readonly event: Event = { timeUs: 0, transaction: 0, sighting: 0, isCopy: false };

  constructor(private readonly options: TrafficOptions) {
    this.seed = options.seed ?? 1;
    this.gapUs = 1e6 / (options.perSecond ?? 20_000);
    this.seen = new Uint8Array(options.transactions);
  }

  /** Plans on; false when nothing is left. */
  next(): boolean {
    this.keepUndone();
    const end = Math.min(this.planned + batch, this.options.transactions);
    while (this.planned < end) this.plan(this.planned++);
    this.keys.subarray(0, this.count).sort();
    // What may still happen before the last of these is not planned yet.
    const until = this.planned < this.options.transactions ? Math.floor(this.planned * this.gapUs) * places : Number.POSITIVE_INFINITY;
    this.due = 0;
    while (this.due < this.count && (this.keys[this.due] ?? 0) < until) this.due++;
    return this.count > 0;
  }

  /** The event at an index below `due`: one object, filled anew by each call. */
  at(index: number): Event {
    const key = this.keys[index] ?? 0;
    const place = key % places;
    const kind = this.kinds[place] ?? 0;
    this.event.timeUs = (key - place) / places;
    this.event.transaction = this.transactions[place] ?? 0;
    this.event.sighting = kind & 7;
    this.event.isCopy = kind > 7;
    return this.event;
  }

  private keepUndone(): void {
    const undone = Array.from({ length: this.count - this.due }, (_, index) => ({ ...this.at(this.due + index) }));
    this.count = 0;
    for (const { timeUs, transaction, sighting, isCopy } of undone) this.add(timeUs, transaction, sighting + (isCopy ? 8 : 0));
  }

  private plan(transaction: number): void {
    const { seed } = this;
    const { loss = 0, duplicates = 0, delayed = 0 } = this.options;
    const isLost = loss > 0 && chance(seed, transaction, what.loss) < loss;
    const seen = isLost ? 1 + Math.floor(chance(seed, transaction, what.where) * ways.length) : perTransaction;
    this.seen[transaction] = seen;
    let timeUs = (transaction + chance(seed, transaction, what.begin)) * this.gapUs;
    for (let sighting = 0; sighting < seen; sighting++) {
      if (sighting > 0) timeUs += this.wayUs(transaction, sighting - 1, delayed);
      this.add(Math.floor(timeUs), transaction, sighting);
      if (duplicates > 0 && chance(seed, transaction, what.copy + sighting) < duplicates) {
        this.add(Math.floor(timeUs + 50 * chance(seed, transaction, what.later + sighting)), transaction, sighting + 8);
      }
    }
  }

  private wayUs(transaction: number, way: number, delayed: number): number {
    const [least, greatest] = ways[way] ?? [0, 0];
    const usual = least + (greatest - least) * chance(this.seed, transaction, what.way + way);
    const isDelayed = delayed > 0 && chance(this.seed, transaction, what.delay + way) < delayed;
    return isDelayed ? usual + 2000 * chance(this.seed, transaction, what.longer + way) : usual;
  }

  private add(timeUs: number, transaction: number, kind: number): void {
    if (this.count === places) throw new Error('more packets are under way than there is room for: fewer per second, please');
    this.keys[this.count] = timeUs * places + this.count;
    this.transactions[this.count] = transaction;
    this.kinds[this.count] = kind;
    this.count++;
  }
}
