import { Content, type Gist, isDns } from '../packets/gist.js';
import type { Headers } from '../packets/headers.js';
import type { Packet } from '../packets/packet.js';
import type { Desk } from './desk.js';
import { EarlyFragments, type Fragment } from './early-fragments.js';
import { Kind } from './marks.js';
import { Part } from './services.js';
import { Flag, marksPerSlot } from './slots.js';

/** Beginnings of keys: what a hash is of. */
const Key = { question: 1, payload: 2, reply: 3, flow: 4, orphan: 5, fragment: 6 } as const;

const udp = 17;

/** A request that is sent again after this is a new transaction, in microseconds. */
const anotherAttempt = 500_000;

/** The end of a packet that is not the server's. */
interface Asker {
  to: boolean;
  address: Uint32Array;
  port: number;
}

/**
 * Joins UDP. nginx sends a datagram on as it is, so requests are known by content and client: of DNS the id and the question, which replies repeat.
 * Other replies are told by the client's port.
 */
export class DatagramJoiner {
  private readonly early = new EarlyFragments();

  constructor(private readonly desk: Desk) {}

  see(point: number, { headers, gist }: Packet): boolean {
    if (headers.fragmentOffset > 0) return this.seeFragment(point, headers);
    const { endpoints, marks, slots } = this.desk;
    const toServer = endpoints.isServer(udp, headers.destinationPort);
    if (!toServer && !endpoints.isServer(udp, headers.sourcePort)) return false;
    const isBoth = toServer && endpoints.isServer(udp, headers.sourcePort);
    const asker = askerOf(headers, isBoth ? gist.content !== Content.dnsResponse : toServer);
    const { to, port } = asker;
    const server = to ? headers.destination : headers.source;
    const endpoint = endpoints.numberOf(udp, headers.family, server, to ? headers.destinationPort : headers.sourcePort, to);
    const dir = this.desk.directionAt(point, headers.direction, to, endpoint);
    const first = marks.numberOf(point, dir, to ? Kind.datagramTo : Kind.datagramFrom, endpoint, 0, headers.ttl, 0);
    const isQuestion = isDns(gist);
    const slot = isQuestion
      ? this.byQuestion(headers.family, gist, asker, endpoint, first)
      : this.byPayload(headers.family, gist, asker, endpoint);
    slots.see(slot, first, port, headers.ipId);
    if (headers.moreFragments) this.seeFirstFragment(headers, slot);
    return true;
  }

  /** An ICMP error quotes the beginning of the packet it is about: of DNS often the question, of others at least the ports. */
  seeError(point: number, error: Headers, { headers: quoted, gist }: Packet): void {
    const { endpoints, hash, keys, marks, slots } = this.desk;
    const to = endpoints.isServer(udp, quoted.destinationPort);
    if (!to && !endpoints.isServer(udp, quoted.sourcePort)) return;
    const { address, port } = askerOf(quoted, to);
    if (isDns(gist)) this.questionKey(gist, address);
    else this.flowKey(address, port);
    const slot = keys.find(hash.high, hash.low);
    if (slot < 0) return;
    const [server, serverPort] = to ? [quoted.destination, quoted.destinationPort] : [quoted.source, quoted.sourcePort];
    const endpoint = endpoints.numberOf(udp, quoted.family, server, serverPort, false);
    const sender = endpoints.numberOf(error.protocol, error.family, error.source, 0, false);
    const kind = to ? Kind.errorAboutTo : Kind.errorAboutFrom;
    const mark = marks.numberOf(point, error.direction, kind, endpoint, sender, error.ttl, error.icmpType * 256 + error.icmpCode);
    slots.see(slot, mark, port, error.ipId);
  }

  /**
   * When everything has been seen: a request that nobody sent on under its client's address, and the same content sent to an upstream under another
   * address, are one transaction whose source was rewritten on the way.
   */
  settle(slot: number): void {
    const { hash, keys, slots } = this.desk;
    if ((slots.flags[slot] as number) & Flag.behind || slots.child[slot] !== -1) return;
    hash
      .begin(Key.orphan)
      .add(slots.content[slot] as number)
      .end();
    const orphan = keys.find(hash.high, hash.low);
    if (orphan < 0 || orphan === slot || (slots.parent[orphan] as number) >= 0 || ((slots.flags[orphan] as number) & Flag.asked) !== 0)
      return;
    const later = (slots.first[orphan] as number) - (slots.first[slot] as number);
    if (Math.abs(later) > anotherAttempt) return;
    slots.parent[orphan] = slot;
    slots.child[slot] = orphan;
  }

  /** `first` is the mark of this sighting. */
  private byQuestion(family: 4 | 6, gist: Gist, asker: Asker, endpoint: number, first: number): number {
    const { keys, slots } = this.desk;
    const { high, low } = this.questionKey(gist, asker.address);
    const known = keys.find(high, low);
    if (known >= 0 && !(asker.to && this.isAnotherAttempt(known, first))) return this.noteLeg(known, asker.to, endpoint);
    const slot = slots.open(udp, family, asker.address, asker.port);
    keys.set(high, low, slot);
    this.noteContent(slot, gist.low, asker.to, endpoint);
    return this.noteLeg(slot, asker.to, endpoint);
  }

  private byPayload(family: 4 | 6, gist: Gist, asker: Asker, endpoint: number): number {
    const { hash, keys, slots } = this.desk;
    const { to, address, port } = asker;
    const { high, low } = hash
      .begin(to ? Key.payload : Key.reply)
      .address(address)
      .addHash(gist.high, gist.low)
      .end();
    let slot = keys.find(high, low);
    if (slot >= 0 && !to && !this.isOfFlow(slot, address, port)) slot = -1;
    if (slot < 0 && !to) slot = this.awaiting(address, port);
    if (slot < 0) {
      slot = slots.open(udp, family, address, port);
      this.noteContent(slot, gist.low, to, endpoint);
    }
    if (to) this.addFlow(slot, address, port);
    keys.set(high, low, slot);
    return this.noteLeg(slot, to, endpoint);
  }

  private noteLeg(slot: number, to: boolean, endpoint: number): number {
    const { endpoints, slots } = this.desk;
    if (!to) return slot;
    const flag = endpoints.parts[endpoint] === Part.upstream ? Flag.behind : Flag.asked;
    slots.flags[slot] = (slots.flags[slot] as number) | flag;
    return slot;
  }

  private noteContent(slot: number, content: number, to: boolean, endpoint: number): void {
    const { endpoints, hash, keys, slots } = this.desk;
    slots.content[slot] = content;
    if (!to || endpoints.parts[endpoint] !== Part.upstream) return;
    hash.begin(Key.orphan).add(content).end();
    keys.set(hash.high, hash.low, slot);
  }

  /** Equal replies to several requests of one client differ in its port. */
  private isOfFlow(slot: number, client: Uint32Array, port: number): boolean {
    const { high, low } = this.flowKey(client, port);
    const newest = this.desk.keys.find(high, low);
    return newest < 0 || newest === slot || this.desk.slots.clientPort[slot] === port;
  }

  /** The oldest request of this flow that has no reply yet; by order alone when there are several. */
  private awaiting(client: Uint32Array, port: number): number {
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
    slots.answeredAt[found] = slots.now;
    if (candidates > 1) slots.flags[found] = (slots.flags[found] as number) | Flag.byOrder;
    return found;
  }

  private addFlow(slot: number, client: Uint32Array, port: number): void {
    const { keys, slots } = this.desk;
    const { high, low } = this.flowKey(client, port);
    const before = keys.find(high, low);
    if (before === slot) return;
    slots.previous[slot] = before;
    keys.set(high, low, slot);
  }

  private questionKey({ high, low }: Gist, client: Uint32Array): { high: number; low: number } {
    return this.desk.hash.begin(Key.question).address(client).addHash(high, low).end();
  }

  private flowKey(client: Uint32Array, port: number): { high: number; low: number } {
    return this.desk.hash.begin(Key.flow).address(client).add(port).end();
  }

  /** The client asks the same again where it has asked before: because it got no answer, or because it asks so. */
  private isAnotherAttempt(slot: number, mark: number): boolean {
    const { slots } = this.desk;
    const seen = slots.timeOf(slot, mark);
    return seen !== undefined && slots.now - seen > anotherAttempt;
  }

  private fragmentKey(headers: Fragment): { high: number; low: number } {
    return this.desk.hash.begin(Key.fragment).address(headers.source).address(headers.destination).add(headers.ipId).end();
  }

  private seeFirstFragment(headers: Fragment, slot: number): void {
    const { keys, slots } = this.desk;
    const { high, low } = this.fragmentKey(headers);
    keys.set(high, low, slot);
    const { now } = slots;
    for (const { point, time, fragment } of this.early.take(high, low)) {
      slots.now = time;
      this.noteFragment(point, fragment, slot);
    }
    slots.now = now;
  }

  /** Later fragments have no ports; they are told by the first one's addresses and identification, as it was before any rewrite. */
  private seeFragment(point: number, headers: Fragment): boolean {
    const { keys, slots } = this.desk;
    const key = this.fragmentKey(headers);
    const slot = keys.find(key.high, key.low);
    if (slot < 0) this.early.keep(point, slots.now, key, headers);
    else this.noteFragment(point, headers, slot);
    return slot >= 0;
  }

  private noteFragment(point: number, headers: Fragment, slot: number): void {
    const { endpoints, marks, slots } = this.desk;
    const to = slots.isClient(slot, headers.source);
    const port = endpoints.portOf(marks.endpoint[slots.mark[slot * marksPerSlot] as number] as number);
    const endpoint = endpoints.numberOf(udp, headers.family, to ? headers.destination : headers.source, port, to);
    const dir = this.desk.directionAt(point, headers.direction, to, endpoint);
    const mark = marks.numberOf(point, dir, to ? Kind.fragmentTo : Kind.fragmentFrom, endpoint, 0, headers.ttl, 0);
    slots.see(slot, mark, slots.clientPort[slot] as number, headers.ipId);
  }
}

function askerOf(headers: Headers, to: boolean): Asker {
  asker.to = to;
  asker.address = to ? headers.source : headers.destination;
  asker.port = to ? headers.sourcePort : headers.destinationPort;
  return asker;
}

/** Used again for each packet. */
const asker: Asker = { to: true, address: new Uint32Array(4), port: 0 };
