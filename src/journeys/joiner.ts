import { Direction } from '../packets/headers.js';
import type { Packet } from '../packets/packet.js';

import type { Desk } from './desk.js';
import { DatagramJoiner } from './join-datagrams.js';
import { SegmentJoiner } from './join-segments.js';
import { KeyHash } from './key-hash.js';
import { KeyTable } from './key-table.js';
import { Marks } from './marks.js';
import { Endpoints, Part, type TracedService } from './services.js';
import { Slots } from './slots.js';

/** On which side of nginx a point is, where only that tells the direction of what it saw. */
export const Standing = { unknown: 0, client: 1, nginx: 2, upstream: 3 } as const;
export type Standing = (typeof Standing)[keyof typeof Standing];

export interface JoinerOptions {
  /** Of each point. */
  standings?: readonly Standing[];
  /** Transactions that are remembered at a time; default 131072, some 35 MiB. */
  capacity?: number;
  /** Takes a transaction that is over, or that must give way. Its slot is valid during the call. */
  conclude(slot: number): void;
}

const tcp = 6;
const udp = 17;

/** Puts sightings from all points together into transactions, as they come: bounded memory, no order assumed beyond some seconds. */
export class Joiner implements Desk {
  readonly endpoints: Endpoints;
  readonly marks = new Marks();
  readonly slots: Slots;
  readonly keys: KeyTable;
  readonly hash = new KeyHash();
  /** Packets that belong to no service. */
  foreign = 0;
  private readonly standings: readonly Standing[];
  private readonly datagrams: DatagramJoiner;
  private readonly segments: SegmentJoiner;

  constructor(services: readonly TracedService[], { capacity = 131_072, standings = [], conclude }: JoinerOptions) {
    this.standings = standings;
    this.endpoints = new Endpoints(services);
    this.slots = new Slots(capacity, conclude);
    this.keys = new KeyTable(capacity * 8, this.slots);
    this.datagrams = new DatagramJoiner(this);
    this.segments = new SegmentJoiner(this);
  }

  /** One packet as it was seen. `quoted` is what an ICMP error says of another. */
  see(point: number, packet: Packet, quoted?: Packet): void {
    this.slots.now = packet.time;
    const { protocol } = packet.headers;
    if (quoted !== undefined) {
      if (quoted.headers.protocol === udp) this.datagrams.seeError(point, packet.headers, quoted);
      else if (quoted.headers.protocol === tcp) this.segments.seeError(point, packet.headers, quoted.headers);
    } else if (protocol === udp) {
      if (!this.datagrams.see(point, packet)) this.foreign++;
    } else if (protocol === tcp) {
      if (!this.segments.see(point, packet)) this.foreign++;
    }
  }

  /** To be called before a transaction is concluded. */
  settle(slot: number): void {
    if (this.slots.protocol[slot] === tcp) this.segments.settle(slot);
    else this.datagrams.settle(slot);
  }

  directionAt(point: number, direction: Direction, to: boolean, endpoint: number): Direction {
    const standing = this.standings[point];
    if (direction !== Direction.unknown || standing === undefined || standing === Standing.unknown) return direction;
    const sends = standing === Standing.client || (standing === Standing.nginx && this.endpoints.parts[endpoint] === Part.upstream);
    return sends === to ? Direction.out : Direction.in;
  }
}
