/** Sightings of one transaction that are kept; more than that are counted in the last. */
export const marksPerSlot = 24;

/** What is known of a transaction beside its marks, as bits. */
export const Flag = {
  /** What belongs together was told by order alone, where there was a choice. */
  byOrder: 1,
  /** A request towards the service was seen, and one towards an upstream. */
  asked: 2,
  behind: 4,
  /** A connection whose beginning was not seen. */
  midway: 8,
  /** The answer, of which what is seen may be any part, began with a status of 500 and up. */
  failing: 16,
  /** nginx's connection was taken for that of one of several that waited. */
  chosen: 32,
} as const;

/**
 * Transactions under way, in columns. Slots are given out in turn: the oldest transaction gives its slot to the newest, so that memory is bounded
 * whatever the traffic; how long a transaction is remembered then follows from the load.
 */
export class Slots {
  readonly generation: Uint32Array;
  readonly client: Uint32Array;
  readonly clientPort: Uint16Array;
  readonly protocol: Uint8Array;
  readonly family: Uint8Array;
  /** Microseconds since the epoch, by the first host's clock. */
  readonly first: Float64Array;
  /** When the client's side was first seen to be answered; infinite: not yet. */
  readonly answeredAt: Float64Array;
  readonly flags: Uint8Array;
  readonly markCount: Uint8Array;
  readonly mark: Uint16Array;
  /** The client's port at that sighting. */
  readonly port: Uint16Array;
  readonly times: Uint8Array;
  /** Microseconds after `first`. */
  readonly after: Float32Array;
  readonly ipId: Uint16Array;
  /** UDP: hash of the request. */
  readonly content: Int32Array;
  /** TCP: initial sequence number of the client's side. */
  readonly sequence: Uint32Array;
  /** Hash of what an HTTP request asks for; 0: not seen. */
  readonly request: Uint32Array;
  /** TCP: where in the client's bytes the request begins, and an earlier request of the same connection, or -1. */
  readonly start: Uint32Array;
  readonly before: Int32Array;
  /** An earlier slot of the same client or flow, or -1. */
  readonly previous: Int32Array;
  /** An earlier attempt for the same client's connection, or -1. */
  readonly sibling: Int32Array;
  /** The client's connection that this one to an upstream belongs to, or -1; and the latest of those that belong to this one. */
  readonly parent: Int32Array;
  readonly child: Int32Array;
  /** When the packet that is being looked at was seen, in microseconds since the epoch by the first host's clock. */
  now = 0;
  private next = 0;
  /** Slots that were given out so far: the generation of the newest. */
  given = 0;

  constructor(
    readonly capacity: number,
    /** Called before a slot is given to another transaction. */
    private readonly giveWay: (slot: number) => void,
  ) {
    this.generation = new Uint32Array(capacity);
    this.client = new Uint32Array(capacity * 4);
    this.clientPort = new Uint16Array(capacity);
    this.protocol = new Uint8Array(capacity);
    this.family = new Uint8Array(capacity);
    this.first = new Float64Array(capacity);
    this.answeredAt = new Float64Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.markCount = new Uint8Array(capacity);
    this.mark = new Uint16Array(capacity * marksPerSlot);
    this.port = new Uint16Array(capacity * marksPerSlot);
    this.times = new Uint8Array(capacity * marksPerSlot);
    this.after = new Float32Array(capacity * marksPerSlot);
    this.ipId = new Uint16Array(capacity * marksPerSlot);
    this.content = new Int32Array(capacity);
    this.sequence = new Uint32Array(capacity);
    this.request = new Uint32Array(capacity);
    this.start = new Uint32Array(capacity);
    this.before = new Int32Array(capacity);
    this.previous = new Int32Array(capacity);
    this.sibling = new Int32Array(capacity);
    this.parent = new Int32Array(capacity);
    this.child = new Int32Array(capacity);
  }

  open(protocol: number, family: number, client: Uint32Array, clientPort: number): number {
    const slot = this.next;
    this.next = slot + 1 === this.capacity ? 0 : slot + 1;
    if (this.markCount[slot] !== 0) this.giveWay(slot);
    this.given++;
    this.generation[slot] = this.given;
    this.client.set(client, slot * 4);
    this.clientPort[slot] = clientPort;
    this.protocol[slot] = protocol;
    this.family[slot] = family;
    this.first[slot] = this.now;
    this.answeredAt[slot] = Number.POSITIVE_INFINITY;
    this.flags[slot] = 0;
    this.markCount[slot] = 0;
    this.content[slot] = 0;
    this.sequence[slot] = 0;
    this.request[slot] = 0;
    this.start[slot] = 0;
    this.before[slot] = -1;
    this.previous[slot] = -1;
    this.sibling[slot] = -1;
    this.parent[slot] = -1;
    this.child[slot] = -1;
    return slot;
  }

  isClient(slot: number, address: Uint32Array): boolean {
    const base = slot * 4;
    return (
      this.client[base + 3] === address[3] &&
      this.client[base + 2] === address[2] &&
      this.client[base + 1] === address[1] &&
      this.client[base] === address[0]
    );
  }

  /** When a mark was first seen, in microseconds since the epoch; undefined: not yet. */
  timeOf(slot: number, mark: number): number | undefined {
    const base = slot * marksPerSlot;
    for (let at = base + (this.markCount[slot] as number); at-- > base; )
      if (this.mark[at] === mark) return (this.first[slot] as number) + (this.after[at] as number);
    return undefined;
  }

  /** Notes a sighting. The same frame seen twice at one point (equal IP identification, or within 50 microseconds) counts once. */
  see(slot: number, mark: number, port: number, ipId: number): void {
    const base = slot * marksPerSlot;
    const count = this.markCount[slot] as number;
    for (let at = base; at < base + count; at++) {
      if (this.mark[at] !== mark) continue;
      const later = this.now - (this.first[slot] as number) - (this.after[at] as number);
      const again = ipId !== 0 ? ipId === this.ipId[at] : later > -50 && later < 50;
      if (again) return;
      if ((this.times[at] as number) < 255) this.times[at] = (this.times[at] as number) + 1;
      this.ipId[at] = ipId;
      return;
    }
    if (count === marksPerSlot) return;
    const at = base + count;
    this.markCount[slot] = count + 1;
    this.mark[at] = mark;
    this.port[at] = port;
    this.times[at] = 1;
    this.ipId[at] = ipId;
    this.after[at] = this.now - (this.first[slot] as number);
  }

  /** All that are open, oldest first. */
  *opened(): Generator<number> {
    for (let n = 0, slot = this.next; n < this.capacity; n++, slot = slot + 1 === this.capacity ? 0 : slot + 1)
      if (this.markCount[slot] !== 0) yield slot;
  }
}
