import type { Desk } from './desk.js';
import { Flag } from './slots.js';

const Key = { client: 17, behind: 18, request: 19, requestOf: 20 } as const;

/** How long nginx may try upstreams for one request, in microseconds. */
const patience = 90_000_000;
/** How much earlier than its cause an effect may seem, as clocks are apart. */
const slack = 50_000;
/** nginx asks for most requests within this, in microseconds: what has waited longer is likely to wait for ever. */
const soon = 200_000;
/** Upstreams that nginx tries for one request. */
const mostAttempts = 16;

/**
 * Which of a client's requests nginx opens its own connection for. As a guess the oldest one that waits, until what nginx asks for tells. A connection
 * towards an upstream is the child of the client's; of several, each is the sibling of the attempt before.
 */
export class Causes {
  /** How many waited when one was looked for last. */
  private choices = 0;

  constructor(private readonly desk: Desk) {}

  /** Takes note of a new one: of a client's to nginx, or of nginx's towards an upstream (`isBehind`) under the client's address. */
  remember(slot: number, client: Uint32Array, isBehind: boolean): void {
    const { hash, keys, slots } = this.desk;
    hash
      .begin(isBehind ? Key.behind : Key.client)
      .address(client)
      .end();
    slots.previous[slot] = keys.find(hash.high, hash.low);
    keys.set(hash.high, hash.low, slot);
  }

  /** As long as nothing is asked. */
  guess(slot: number, client: Uint32Array, isBehind: boolean): void {
    if (!isBehind) {
      this.adopt(slot, client);
      return;
    }
    const parent = this.waitingFor(client);
    if (parent < 0) return;
    this.link(slot, parent);
    const { flags } = this.desk.slots;
    if (this.choices > 1) flags[slot] = (flags[slot] as number) | Flag.chosen;
  }

  /** By what is asked, as a hash. */
  settle(slot: number, request: number, client: Uint32Array, isBehind: boolean): void {
    if (isBehind) this.settleParent(slot, request, client);
    else this.settleChild(slot, request, client);
  }

  /** When everything has been seen: a request that nginx asked of nobody under its client's address may have travelled under another's. */
  settleLast(slot: number): void {
    const { hash, keys, slots } = this.desk;
    const request = slots.request[slot] as number;
    if (request === 0 || (slots.child[slot] as number) >= 0) return;
    hash.begin(Key.request).add(request).end();
    const orphan = keys.find(hash.high, hash.low);
    if (orphan < 0 || orphan === slot || (slots.parent[orphan] as number) >= 0) return;
    if (this.isWithin(orphan, slot, slots.first[orphan] as number)) this.link(orphan, slot);
  }

  /** Newest first. */
  private *remembered(kind: number, client: Uint32Array): Generator<number> {
    const { hash, keys, slots } = this.desk;
    hash.begin(kind).address(client).end();
    for (let slot = keys.find(hash.high, hash.low), n = 0; slot >= 0 && n < 64; n++) {
      const before = slots.previous[slot] as number;
      const isOlder = before >= 0 && (slots.generation[before] as number) < (slots.generation[slot] as number);
      yield slot;
      slot = isOlder ? before : -1;
    }
  }

  /**
   * The oldest of the client's connections that waits for an answer, not for long if there is such a one, and for which nginx has asked nobody yet, one
   * whose request was seen before others; else one for which nginx asked only who did not answer.
   */
  private waitingFor(client: Uint32Array): number {
    const { slots } = this.desk;
    let untried = -1;
    let failed = -1;
    this.choices = 0;
    for (const slot of this.remembered(Key.client, client)) {
      const waits = slots.now - (slots.first[slot] as number);
      if (waits > patience) break;
      if (waits < -slack || (slots.answeredAt[slot] as number) < slots.now) continue;
      const child = slots.child[slot] as number;
      if (child < 0) {
        this.choices++;
        if (untried >= 0 && waits > soon) continue;
        if (untried < 0 || slots.request[slot] !== 0 || slots.request[untried] === 0) untried = slot;
      }
      // A further attempt for a request means that the one before came to nothing.
      else if (slots.request[child] === 0) failed = slot;
    }
    return untried >= 0 ? untried : failed;
  }

  /** Captures come side by side, so that nginx's connection may be seen before the client's: the oldest one since then that has no cause yet. */
  private adopt(slot: number, client: Uint32Array): void {
    const { slots } = this.desk;
    const asks = slots.request[slot] as number;
    let oldest = -1;
    let disputed = -1;
    for (const child of this.remembered(Key.behind, client)) {
      if ((slots.first[child] as number) <= (slots.first[slot] as number) - slack) break;
      if (!this.isWithin(child, slot, slots.first[child] as number)) continue;
      if (asks !== 0 && slots.request[child] !== 0) continue;
      if (this.mayLeave(child, asks)) oldest = child;
      else if (asks !== 0) disputed = child;
    }
    if (oldest >= 0) {
      if ((slots.parent[oldest] as number) >= 0) this.unlink(oldest, slots.parent[oldest] as number);
      this.link(oldest, slot);
    } else if (disputed >= 0) for (const either of [slot, disputed]) slots.flags[either] = (slots.flags[either] as number) | Flag.byOrder;
  }

  /** Whether a connection of nginx's has no cause yet, or as a guess one that has asked for nothing or long ago, where now one has. */
  private mayLeave(child: number, request: number): boolean {
    const { slots } = this.desk;
    const parent = slots.parent[child] as number;
    if (parent < 0) return true;
    if (request === 0 || slots.request[child] !== 0) return false;
    return slots.request[parent] === 0 || (slots.first[child] as number) - (slots.first[parent] as number) > soon;
  }

  private settleParent(slot: number, request: number, client: Uint32Array): void {
    const { hash, keys, slots } = this.desk;
    const guessed = slots.parent[slot] as number;
    hash.begin(Key.requestOf).address(client).add(request).end();
    keys.set(hash.high, hash.low, slot);
    if (guessed >= 0 && slots.request[guessed] === request) {
      this.prove(slot, guessed, client);
      return;
    }
    hash.begin(Key.request).add(request).end();
    keys.set(hash.high, hash.low, slot);
    const asked = this.askedFor(slot, request, client);
    if (asked < 0 && guessed >= 0 && slots.request[guessed] === 0) return;
    if (guessed >= 0) this.unlink(slot, guessed);
    const other = asked < 0 ? -1 : (slots.child[asked] as number);
    if (other >= 0 && guessed >= 0 && slots.request[other] === 0) {
      // Both were guesses.
      this.unlink(other, asked);
      this.link(other, guessed);
    }
    if (asked >= 0) this.prove(slot, asked, client);
  }

  /** Whose request nginx passes on: of those for the same one that nothing is known to be asked for yet, else one that another upstream did not answer. */
  private askedFor(slot: number, request: number, client: Uint32Array): number {
    const { slots } = this.desk;
    let again = -1;
    for (const asked of this.remembered(Key.client, client)) {
      if (slots.now - (slots.first[asked] as number) > patience) break;
      if (slots.request[asked] !== request || !this.isWithin(slot, asked, slots.now)) continue;
      const child = slots.child[asked] as number;
      if (child < 0 || slots.request[child] === 0) return asked;
      if (slots.answeredAt[child] === Number.POSITIVE_INFINITY) again = asked;
    }
    return again;
  }

  private settleChild(slot: number, request: number, client: Uint32Array): void {
    const { hash, keys, slots } = this.desk;
    const guessed = slots.child[slot] as number;
    if (guessed >= 0 && slots.request[guessed] === request) {
      this.prove(guessed, slot, client);
      return;
    }
    if (guessed >= 0 && slots.request[guessed] !== 0) this.unlink(guessed, slot);
    hash.begin(Key.requestOf).address(client).add(request).end();
    const passed = keys.find(hash.high, hash.low);
    if (passed < 0 || !this.isWithin(passed, slot, slots.first[passed] as number)) {
      if ((slots.child[slot] as number) < 0) this.adopt(slot, client);
      return;
    }
    const parent = slots.parent[passed] as number;
    if (parent >= 0 && slots.request[parent] === request && !this.isSooner(passed, slot, parent)) return;
    if (parent >= 0) this.unlink(passed, parent);
    this.prove(passed, slot, client);
  }

  /** Of equal requests, whether nginx asks for this one at once, where it would ask for the other long after: as a further attempt, if at all. */
  private isSooner(child: number, slot: number, other: number): boolean {
    const { first } = this.desk.slots;
    const after = (first[child] as number) - (first[slot] as number);
    return after > -slack && after < soon && (first[child] as number) - (first[other] as number) > soon;
  }

  /** After an answer nginx asks nobody any more, by clocks that may have drifted apart a little. */
  private isWithin(slot: number, parent: number, time: number): boolean {
    const { slots } = this.desk;
    const first = slots.first[parent] as number;
    return slot !== parent && time > first - slack && time < Math.min(first + patience, (slots.answeredAt[parent] as number) + slack);
  }

  private prove(slot: number, parent: number, client: Uint32Array): void {
    const { slots } = this.desk;
    if (slots.parent[slot] !== parent) this.link(slot, parent);
    for (const either of [slot, parent]) slots.flags[either] = (slots.flags[either] as number) & ~Flag.byOrder;
    const other = slots.sibling[slot] as number;
    if (other < 0 || slots.request[other] !== 0 || ((slots.flags[other] as number) & Flag.chosen) === 0) return;
    // Rather another's than an attempt that came to nothing.
    const heir = this.waitingFor(client);
    if (heir < 0 || (slots.child[heir] as number) >= 0 || !this.isWithin(other, heir, slots.first[other] as number)) return;
    this.unlink(other, parent);
    this.link(other, heir);
  }

  private link(slot: number, parent: number): void {
    const { slots } = this.desk;
    slots.parent[slot] = parent;
    slots.sibling[slot] = slots.child[parent] as number;
    slots.child[parent] = slot;
  }

  private unlink(slot: number, parent: number): void {
    const { slots } = this.desk;
    const after = slots.sibling[slot] as number;
    if (slots.child[parent] === slot) slots.child[parent] = after;
    else {
      let child = slots.child[parent] as number;
      for (let n = 0; child >= 0 && slots.sibling[child] !== slot && n < mostAttempts; n++) child = slots.sibling[child] as number;
      if (child >= 0 && slots.sibling[child] === slot) slots.sibling[child] = after;
    }
    slots.sibling[slot] = -1;
    slots.parent[slot] = -1;
  }
}
