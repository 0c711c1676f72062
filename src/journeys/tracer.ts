import { contains } from '../net/prefix.js';
import type { Packet } from '../packets/packet.js';
import { addressText } from '../packets/text.js';
import { Clocks } from './clocks.js';
import type { Endings } from './endings.js';
import type { Viewpoint } from './feed.js';
import { Joiner, type Standing } from './joiner.js';
import type { FoundPattern } from './pattern.js';
import { Patterns } from './patterns.js';
import type { TracedService } from './services.js';
import { inOrder, type Place, type Sighting, spell } from './sighting.js';
import { marksPerSlot } from './slots.js';

/** A place where packets were captured. */
export interface TracedPoint extends Place, Viewpoint {
  /** On which side of nginx the point is, where no direction is known. */
  standing?: Standing;
}

/** What is known when everything has been seen. */
export interface Finished {
  patterns: readonly FoundPattern[];
  clocks: Clocks;
  endings: Endings;
}

export interface TracerOptions {
  /** Transactions remembered at a time. */
  capacity?: number;
  /** Addresses and prefixes: transactions of other clients are left out. All when empty. */
  clients?: readonly string[];
}

/** Transactions whose sightings are compared to tell the clocks: the first so many, then one of so many. */
const compared = { first: 4000, thenOneOf: 64 } as const;

/** Packets in, from all points; ways of transactions out, and the clocks. */
export class Tracer {
  readonly joiner: Joiner;
  /** Of packets at each point that belong to a service. */
  readonly packets: Float64Array;
  /** Microseconds since the epoch, by the first host's clock: the first and the last packet. */
  from = Number.POSITIVE_INFINITY;
  to = Number.NEGATIVE_INFINITY;
  private readonly patterns: Patterns;
  private readonly clocks: Clocks;
  private readonly clients: readonly string[];
  private concluded = 0;
  private closing: number | undefined;

  constructor(
    readonly points: readonly TracedPoint[],
    services: readonly TracedService[],
    { capacity, clients = [] }: TracerOptions = {},
  ) {
    this.packets = new Float64Array(points.length);
    this.clocks = new Clocks([...new Set(points.map(({ host }) => host))]);
    this.patterns = new Patterns(
      () => this.joiner,
      points,
      () => this.from,
    );
    this.clients = clients;
    this.joiner = new Joiner(services, {
      standings: points.map(({ standing = 0 }) => standing),
      ...(capacity === undefined ? {} : { capacity }),
      conclude: (slot) => this.conclude(slot),
    });
  }

  see(point: number, packet: Packet, quoted?: Packet): void {
    const { time } = packet;
    if (time < this.from) this.from = time;
    if (time > this.to) this.to = time;
    this.packets[point] = (this.packets[point] as number) + 1;
    this.joiner.see(point, packet, quoted);
  }

  /** Everything that was seen so far is over. */
  finish(end = this.to): Finished {
    this.closing = Math.max(this.to, end);
    for (const slot of this.joiner.slots.opened()) this.joiner.settle(slot);
    for (const slot of this.joiner.slots.opened()) this.conclude(slot);
    return { patterns: this.patterns.all(), clocks: this.clocks, endings: this.patterns.endings };
  }

  /** How things stand now, of what is remembered; nothing is concluded by it. `now` is microseconds since the epoch. */
  peek(now = this.to): FoundPattern[] {
    const standing = new Patterns(
      () => this.joiner,
      this.points,
      () => this.from,
    );
    for (const slot of this.joiner.slots.opened()) if (this.isWanted(slot)) standing.conclude(slot, now);
    return standing.all();
  }

  private conclude(slot: number): void {
    this.concluded++;
    if (this.concluded <= compared.first || this.concluded % compared.thenOneOf === 0) this.compareClocks(slot);
    this.joiner.settle(slot);
    if (this.isWanted(slot)) this.patterns.conclude(slot, this.closing);
  }

  private isWanted(slot: number): boolean {
    if (this.clients.length === 0) return true;
    const { client, family } = this.joiner.slots;
    const address = addressText(client.subarray(slot * 4, slot * 4 + 4), family[slot] === 6 ? 6 : 4);
    return this.clients.some((wanted) => contains(wanted, address));
  }

  private compareClocks(slot: number): void {
    const { slots, marks, endpoints } = this.joiner;
    const base = slot * marksPerSlot;
    const seen: Sighting[] = [];
    for (let at = base; at < base + (slots.markCount[slot] as number); at++) {
      // Of what was sent again nobody knows which came first where.
      if (slots.times[at] !== 1) return;
      seen.push(spell(marks, endpoints, this.points, slots.mark[at] as number, { port: 0, times: 1, after: slots.after[at] as number }));
    }
    const sightings = inOrder(seen);
    const first = slots.first[slot] as number;
    for (let n = 1; n < sightings.length; n++) {
      const [a, b] = [sightings[n - 1], sightings[n]];
      if (!a || !b || a.host === b.host || a.kind !== b.kind || a.dir === 'unknown' || b.dir === 'unknown') continue;
      this.clocks.add(a.host, first + a.after + this.offsetOf(a), b.host, first + b.after + this.offsetOf(b), first);
    }
  }

  /** What was taken off this host's times before they were compared. */
  offsetOfHost(host: string): number {
    return this.points.find((point) => point.host === host)?.clockOffset ?? 0;
  }

  private offsetOf({ point }: Sighting): number {
    return this.points[point]?.clockOffset ?? 0;
  }
}
