import { DnsQuestion, readDnsQuestion } from '../packets/dns.js';
import { Hash, hashBytes } from '../packets/hash.js';
import type { Direction, Headers } from '../packets/headers.js';
import type { Desk } from './desk.js';
import { Kind } from './marks.js';
import { Part } from './services.js';
import { Flag, marksPerSlot } from './slots.js';

/** Beginnings of keys: what a hash is of. */
const Key = { question: 1, payload: 2, reply: 3, flow: 4, content: 5, fragment: 6 } as const;

/** As much of a payload as is compared; captures may cut the rest. */
const comparedBytes = 192;

/** A request that is sent again after this is a new transaction, in microseconds. */
const anotherAttempt = 500_000;

/**
 * Joins UDP. nginx sends a datagram on as it is, so requests are known by content and client: of DNS the id and the question, which replies repeat.
 * Other replies are told by the client's port.
 */
export class DatagramJoiner {
  private readonly question = new DnsQuestion();
  private readonly payload = new Hash();

  constructor(private readonly desk: Desk) {}

  see(point: number, direction: Direction, headers: Headers, bytes: Uint8Array, time: number): boolean {
    if (headers.fragmentOffset > 0) return this.seeFragment(point, direction, headers, time);
    const { endpoints } = this.desk;
    const toServer = endpoints.isServer(17, headers.destinationPort);
    const fromServer = endpoints.isServer(17, headers.sourcePort);
    if (!toServer && !fromServer) return false;
    const isDns = readDnsQuestion(bytes, headers.payloadStart, headers.payloadEnd, this.question);
    const to = toServer && fromServer ? !(isDns && this.question.isResponse) : toServer;
    const slot = isDns ? this.byQuestion(point, direction, headers, to, time) : this.byPayload(headers, bytes, to, time);
    this.note(slot, point, direction, headers, to, time);
    if (headers.moreFragments) {
      const { high, low } = this.fragmentKey(headers);
      this.desk.keys.set(high, low, slot);
    }
    return true;
  }

  /** An ICMP error quotes the beginning of the packet it is about. */
  seeError(point: number, direction: Direction, error: Headers, quoted: Headers, time: number): void {
    const { endpoints, keys, marks, slots } = this.desk;
    const to = endpoints.isServer(17, quoted.destinationPort);
    if (!to && !endpoints.isServer(17, quoted.sourcePort)) return;
    const client = to ? quoted.source : quoted.destination;
    const port = to ? quoted.sourcePort : quoted.destinationPort;
    const { high, low } = this.flowKey(client, port);
    const slot = keys.find(high, low);
    if (slot < 0) return;
    const server = endpoints.numberOf(
      17,
      quoted.family,
      to ? quoted.destination : quoted.source,
      to ? quoted.destinationPort : quoted.sourcePort,
      false,
    );
    const sender = endpoints.numberOf(error.protocol, error.family, error.source, 0, false);
    const kind = to ? Kind.errorAboutTo : Kind.errorAboutFrom;
    const mark = marks.numberOf(point, direction, kind, server, sender, error.ttl, error.icmpType * 256 + error.icmpCode);
    slots.see(slot, mark, time, port, error.ipId);
  }

  private note(slot: number, point: number, direction: Direction, headers: Headers, to: boolean, time: number): void {
    const { endpoints, marks, slots } = this.desk;
    const client = to ? headers.source : headers.destination;
    const port = to ? headers.sourcePort : headers.destinationPort;
    const server = to ? headers.destination : headers.source;
    const endpoint = endpoints.numberOf(17, headers.family, server, to ? headers.destinationPort : headers.sourcePort, to);
    const other = slots.isClient(slot, client) ? 0 : endpoints.numberOf(17, headers.family, client, 0, false);
    const dir = this.desk.directionAt(point, direction, to, endpoint);
    const mark = marks.numberOf(point, dir, to ? Kind.datagramTo : Kind.datagramFrom, endpoint, other, headers.ttl, 0);
    slots.see(slot, mark, time, port, headers.ipId);
  }

  private byQuestion(point: number, direction: Direction, headers: Headers, to: boolean, time: number): number {
    const question = this.question.hash;
    const { hash, keys } = this.desk;
    const client = to ? headers.source : headers.destination;
    const port = to ? headers.sourcePort : headers.destinationPort;
    hash.begin(Key.question).address(client).add(question.high).add(question.low).end();
    const { high, low } = hash;
    let slot = keys.find(high, low);
    if (slot >= 0 && to && this.isAnotherAttempt(slot, point, direction, headers, time)) slot = -1;
    if (slot >= 0) return slot;
    slot = this.byContent(question.high, question.low, headers, to, time);
    if (slot < 0) slot = this.open(headers, client, port, time, to, question.high, question.low);
    keys.set(high, low, slot);
    return slot;
  }

  private byPayload(headers: Headers, bytes: Uint8Array, to: boolean, time: number): number {
    const { hash, keys } = this.desk;
    const client = to ? headers.source : headers.destination;
    const port = to ? headers.sourcePort : headers.destinationPort;
    const { payload } = this;
    const compared = Math.min(headers.payloadEnd, headers.payloadStart + comparedBytes);
    hashBytes(bytes, headers.payloadStart, compared, payload, headers.payloadLength);
    const { high: content, low: more } = payload;
    hash
      .begin(to ? Key.payload : Key.reply)
      .address(client)
      .add(content)
      .add(more)
      .end();
    const { high, low } = hash;
    let slot = keys.find(high, low);
    if (slot >= 0 && !to && !this.isOfFlow(slot, client, port)) slot = -1;
    if (slot >= 0) return slot;
    slot = to ? this.byContent(content, more, headers, to, time) : this.awaiting(client, port, time);
    if (slot < 0) slot = this.open(headers, client, port, time, to, content, more);
    else if (to) this.addFlow(slot, client, port);
    keys.set(high, low, slot);
    return slot;
  }

  /** Equal replies to several requests of one client differ in its port. */
  private isOfFlow(slot: number, client: Uint32Array, port: number): boolean {
    const { high, low } = this.flowKey(client, port);
    const newest = this.desk.keys.find(high, low);
    return newest < 0 || newest === slot || this.desk.slots.clientPort[slot] === port;
  }

  /** The same request under another address than the client's: somebody on the way rewrote its source. Only one whose content is its alone. */
  private byContent(content: number, more: number, headers: Headers, to: boolean, time: number): number {
    if (!to) return this.awaiting(headers.destination, headers.destinationPort, time);
    const { hash, keys, slots } = this.desk;
    hash.begin(Key.content).add(content).add(more).end();
    const slot = keys.find(hash.high, hash.low);
    if (slot < 0 || ((slots.flags[slot] as number) & Flag.sharesContent) !== 0 || !this.goesToUpstream(headers)) return -1;
    this.addFlow(slot, headers.source, headers.sourcePort);
    return slot;
  }

  private goesToUpstream(headers: Headers): boolean {
    const { endpoints } = this.desk;
    return endpoints.parts[endpoints.numberOf(17, headers.family, headers.destination, headers.destinationPort, true)] === Part.upstream;
  }

  /** The oldest request of this flow that has no reply yet; by order alone when there are several. */
  private awaiting(client: Uint32Array, port: number, time: number): number {
    const { keys, slots } = this.desk;
    const { high, low } = this.flowKey(client, port);
    const newest = keys.find(high, low);
    let found = -1;
    let candidates = 0;
    for (let slot = newest, n = 0; slot >= 0 && n < 16; n++) {
      if ((slots.answeredAt[slot] as number) === Number.POSITIVE_INFINITY) {
        found = slot;
        candidates++;
      }
      const before = slots.previous[slot] as number;
      slot = before >= 0 && (slots.generation[before] as number) < (slots.generation[slot] as number) ? before : -1;
    }
    if (found < 0) return newest;
    slots.answeredAt[found] = time;
    if (candidates > 1) slots.flags[found] = (slots.flags[found] as number) | Flag.byOrder;
    return found;
  }

  private open(headers: Headers, client: Uint32Array, port: number, time: number, to: boolean, content: number, more: number): number {
    const { hash, keys, slots } = this.desk;
    const slot = slots.open(17, headers.family, client, port, time);
    this.addFlow(slot, client, port);
    if (to) {
      hash.begin(Key.content).add(content).add(more).end();
      if (keys.find(hash.high, hash.low) >= 0) slots.flags[slot] = Flag.sharesContent;
      keys.set(hash.high, hash.low, slot);
    }
    return slot;
  }

  private addFlow(slot: number, client: Uint32Array, port: number): void {
    const { keys, slots } = this.desk;
    const { high, low } = this.flowKey(client, port);
    const before = keys.find(high, low);
    if (before === slot) return;
    slots.previous[slot] = before;
    keys.set(high, low, slot);
  }

  private flowKey(client: Uint32Array, port: number): { high: number; low: number } {
    return this.desk.hash.begin(Key.flow).address(client).add(port).end();
  }

  /** The client asks the same again where it has asked before: because it got no answer, or because it asks so. */
  private isAnotherAttempt(slot: number, point: number, direction: Direction, headers: Headers, time: number): boolean {
    const { endpoints, marks, slots } = this.desk;
    const endpoint = endpoints.numberOf(17, headers.family, headers.destination, headers.destinationPort, true);
    const dir = this.desk.directionAt(point, direction, true, endpoint);
    const seen = slots.timeOf(slot, marks.numberOf(point, dir, Kind.datagramTo, endpoint, 0, headers.ttl, 0));
    return seen !== undefined && time - seen > anotherAttempt;
  }

  private fragmentKey(headers: Headers): { high: number; low: number } {
    return this.desk.hash.begin(Key.fragment).address(headers.source).address(headers.destination).add(headers.ipId).end();
  }

  /** Later fragments have no ports; they are told by the first one's addresses and identification, as it was before any rewrite. */
  private seeFragment(point: number, direction: Direction, headers: Headers, time: number): boolean {
    const { endpoints, keys, marks, slots } = this.desk;
    const { high, low } = this.fragmentKey(headers);
    const slot = keys.find(high, low);
    if (slot < 0) return false;
    const to = slots.isClient(slot, headers.source);
    const port = endpoints.portOf(marks.endpoint[slots.mark[slot * marksPerSlot] as number] as number);
    const endpoint = endpoints.numberOf(17, headers.family, to ? headers.destination : headers.source, port, to);
    const dir = this.desk.directionAt(point, direction, to, endpoint);
    const mark = marks.numberOf(point, dir, to ? Kind.fragmentTo : Kind.fragmentFrom, endpoint, 0, headers.ttl, 0);
    slots.see(slot, mark, time, slots.clientPort[slot] as number, headers.ipId);
    return true;
  }
}
