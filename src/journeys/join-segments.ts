import { Content, type Gist } from '../packets/gist.js';
import type { Headers } from '../packets/headers.js';
import type { Packet } from '../packets/packet.js';
import type { Desk } from './desk.js';
import { Kind } from './marks.js';
import { Part } from './services.js';
import { Flag } from './slots.js';

const Key = { connection: 16, client: 17, request: 18, asked: 19, answered: 20, orphan: 21 } as const;
const [fin, syn, reset, ack] = [1, 2, 4, 16];

/** How long nginx may try upstreams for one request, in microseconds. */
const patience = 90_000_000;
/** How much earlier than its cause an effect may seem, as clocks are apart. */
const slack = 50_000;

/**
 * Joins TCP. Each connection is a slot; nginx opens one of its own towards an upstream, which belongs to a client's connection: of the same address,
 * open and not answered yet, and told for certain by what the HTTP request asks for.
 */
export class SegmentJoiner {
  constructor(private readonly desk: Desk) {}

  see(point: number, { headers, gist }: Packet): boolean {
    const { endpoints, marks, slots } = this.desk;
    const to = this.isToServer(headers);
    if (to === undefined) return false;
    const client = to ? headers.source : headers.destination;
    const port = to ? headers.sourcePort : headers.destinationPort;
    const serverPort = to ? headers.destinationPort : headers.sourcePort;
    const endpoint = endpoints.numberOf(6, headers.family, to ? headers.destination : headers.source, serverPort, to);
    const kind = kindOf(headers, to, gist);
    if (kind === undefined) return true;
    const { high, low } = this.connectionKey(client, port, endpoint);
    const connection: Connection = { high, low, client, port, endpoint };
    let slot = this.slotOf(headers, to, connection);
    if (kind === Kind.dataTo && gist.content === Content.httpRequest) slot = this.noteRequest(slot, gist.low >>> 0, headers, connection);
    else if (kind === Kind.dataFrom || kind === Kind.failureFrom) slot = this.answeredBy(slot, headers, connection);
    if (slot < 0 || (kind === Kind.finFrom && (slots.answeredAt[slot] as number) <= slots.now)) return true;
    const dir = this.desk.directionAt(point, headers.direction, to, endpoint);
    slots.see(slot, marks.numberOf(point, dir, kind, endpoint, 0, headers.ttl, 0), port, kind >= Kind.dataTo ? 0 : headers.ipId);
    return true;
  }

  seeError(point: number, error: Headers, quoted: Headers): void {
    const { endpoints, keys, marks, slots } = this.desk;
    const to = this.isToServer(quoted);
    if (to === undefined) return;
    const client = to ? quoted.source : quoted.destination;
    const port = to ? quoted.sourcePort : quoted.destinationPort;
    const serverPort = to ? quoted.destinationPort : quoted.sourcePort;
    const endpoint = endpoints.numberOf(6, quoted.family, to ? quoted.destination : quoted.source, serverPort, false);
    const { high, low } = this.connectionKey(client, port, endpoint);
    const slot = keys.find(high, low);
    if (slot < 0) return;
    const sender = endpoints.numberOf(error.protocol, error.family, error.source, 0, false);
    const kind = to ? Kind.errorAboutTo : Kind.errorAboutFrom;
    slots.see(
      slot,
      marks.numberOf(point, error.direction, kind, endpoint, sender, error.ttl, error.icmpType * 256 + error.icmpCode),
      port,
      error.ipId,
    );
  }

  private isToServer(headers: Headers): boolean | undefined {
    const { endpoints } = this.desk;
    const to = endpoints.isServer(6, headers.destinationPort);
    const from = endpoints.isServer(6, headers.sourcePort);
    if (to && from) return (headers.tcpFlags & (syn | ack)) === (syn | ack) ? false : headers.destinationPort <= headers.sourcePort;
    return to ? true : from ? false : undefined;
  }

  private slotOf(headers: Headers, to: boolean, connection: Connection): number {
    const { slots } = this.desk;
    const found = this.desk.keys.find(connection.high, connection.low);
    const opens = to && (headers.tcpFlags & (syn | ack)) === syn;
    if (found >= 0 && !(opens && slots.sequence[found] !== headers.tcpSequence && slots.sequence[found] !== 0)) {
      if (opens) slots.sequence[found] = headers.tcpSequence;
      return found;
    }
    if (!opens && headers.payloadLength === 0 && (headers.tcpFlags & syn) === 0) return -1;
    const slot = this.open(headers.family, connection);
    if (opens) slots.sequence[slot] = headers.tcpSequence;
    else if ((headers.tcpFlags & syn) === 0) slots.flags[slot] = (slots.flags[slot] as number) | Flag.midway;
    return slot;
  }

  private open(family: number, { high, low, client, port, endpoint }: Connection): number {
    const { endpoints, keys, slots } = this.desk;
    const slot = slots.open(6, family, client, port);
    keys.set(high, low, slot);
    const parent = endpoints.parts[endpoint] === Part.upstream ? this.waitingFor(client) : slot;
    if (parent === slot) this.remember(Key.client, slot, client);
    else if (parent >= 0) this.link(slot, parent);
    else this.remember(Key.orphan, slot, client);
    if (parent === slot) this.adopt(slot, client, 0);
    return slot;
  }

  /** Connections of one client, newest first: those to nginx, and those of nginx whose cause has not been seen. */
  private remember(kind: number, slot: number, client: Uint32Array): void {
    const { hash, keys, slots } = this.desk;
    hash.begin(kind).address(client).end();
    slots.previous[slot] = keys.find(hash.high, hash.low);
    keys.set(hash.high, hash.low, slot);
  }

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

  /** The oldest of the client's connections that waits for an answer and for which nginx has asked nobody yet, else only those who did not answer. */
  private waitingFor(client: Uint32Array): number {
    const { slots } = this.desk;
    let untried = -1;
    let failed = -1;
    for (const slot of this.remembered(Key.client, client)) {
      const waits = slots.now - (slots.first[slot] as number);
      if (waits > patience) break;
      if (waits < -slack || (slots.answeredAt[slot] as number) < slots.now) continue;
      const child = slots.child[slot] as number;
      if (child < 0) untried = slot;
      // A further attempt for a request means that the one before came to nothing.
      else if (slots.request[child] === 0) failed = slot;
    }
    return untried >= 0 ? untried : failed;
  }

  /** After that nginx asks nobody for this connection any more. */
  private latestFor(slot: number): number {
    const { slots } = this.desk;
    return Math.min((slots.first[slot] as number) + patience, slots.answeredAt[slot] as number);
  }

  /** Captures come side by side, so that nginx's connection may be seen before the client's. The oldest one since then, that asks for the same if both are known to ask. */
  private adopt(slot: number, client: Uint32Array, request: number): void {
    const { slots } = this.desk;
    let oldest = -1;
    for (const orphan of this.remembered(Key.orphan, client)) {
      const wait = (slots.first[orphan] as number) - (slots.first[slot] as number);
      if (wait < -slack) continue;
      const asks = slots.request[orphan] as number;
      if (
        (slots.first[orphan] as number) < this.latestFor(slot) &&
        (slots.parent[orphan] as number) < 0 &&
        (request === 0 || asks === 0 || asks === request)
      )
        oldest = orphan;
    }
    if (oldest >= 0) this.link(oldest, slot);
  }

  /**
   * Begins a transaction of its own for each request of a connection that is kept open, and lets what is asked for settle whose connection it is, also
   * where its source is not the client's address.
   */
  private noteRequest(slot: number, request: number, headers: Headers, connection: Connection): number {
    const { keys, slots } = this.desk;
    // The hash is used again for every key: its halves are kept.
    const { high, low } = this.messageKey(Key.asked, headers.tcpSequence, connection);
    let mine = keys.find(high, low);
    if (mine >= 0) return mine;
    mine = slot >= 0 && slots.request[slot] === 0 ? slot : this.open(headers.family, connection);
    keys.set(high, low, mine);
    const answer = this.messageKey(Key.answered, headers.tcpSequence + headers.payloadLength, connection);
    keys.set(answer.high, answer.low, mine);
    slots.request[mine] = request;
    if (this.desk.endpoints.parts[connection.endpoint] === Part.upstream) this.settleParent(mine, request, connection);
    else this.settleChild(mine, request, connection.client);
    return mine;
  }

  private settleParent(slot: number, request: number, { client }: Connection): void {
    const { hash, keys, slots } = this.desk;
    const parent = slots.parent[slot] as number;
    if (parent >= 0 && (slots.request[parent] === request || slots.request[parent] === 0)) return;
    if (parent >= 0) this.unlink(slot, parent);
    for (const asked of this.remembered(Key.client, client)) {
      if (slots.request[asked] !== request || (slots.child[asked] as number) >= 0 || !this.isWithin(slot, asked, slots.now)) continue;
      this.link(slot, asked);
      return;
    }
    if (parent >= 0) this.remember(Key.orphan, slot, client);
    hash.begin(Key.request).add(request).end();
    keys.set(hash.high, hash.low, slot);
  }

  private settleChild(slot: number, request: number, client: Uint32Array): void {
    const { slots } = this.desk;
    const child = slots.child[slot] as number;
    if (child >= 0 && (slots.request[child] === request || slots.request[child] === 0)) return;
    if (child >= 0) {
      this.unlink(child, slot);
      this.remember(Key.orphan, child, client);
    }
    this.adopt(slot, client, request);
  }

  /** When everything has been seen: a request that nginx asked of nobody under its client's address may have travelled under another's. */
  settle(slot: number): void {
    const { hash, keys, slots } = this.desk;
    const request = slots.request[slot] as number;
    if (request === 0 || (slots.child[slot] as number) >= 0) return;
    hash.begin(Key.request).add(request).end();
    const orphan = keys.find(hash.high, hash.low);
    if (orphan < 0 || orphan === slot || (slots.parent[orphan] as number) >= 0) return;
    if (this.isWithin(orphan, slot, slots.first[orphan] as number)) this.link(orphan, slot);
  }

  private isWithin(slot: number, parent: number, time: number): boolean {
    const { slots } = this.desk;
    return slot !== parent && time > (slots.first[parent] as number) - slack && time < this.latestFor(parent);
  }

  /** The request that a response acknowledges, of several on one connection. */
  private answeredBy(slot: number, headers: Headers, connection: Connection): number {
    const { keys, slots } = this.desk;
    const { high, low } = this.messageKey(Key.answered, headers.tcpAcknowledgement, connection);
    const found = keys.find(high, low);
    const mine = found >= 0 ? found : slot;
    if (mine >= 0) slots.answeredAt[mine] = Math.min(slots.answeredAt[mine] as number, slots.now);
    return mine;
  }

  private messageKey(kind: number, sequence: number, { client, port, endpoint }: Connection): { high: number; low: number } {
    return this.desk.hash
      .begin(kind)
      .address(client)
      .add(port)
      .add(endpoint)
      .add(sequence | 0)
      .end();
  }

  private link(slot: number, parent: number): void {
    const { slots } = this.desk;
    slots.parent[slot] = parent;
    slots.sibling[slot] = slots.child[parent] as number;
    slots.child[parent] = slot;
  }

  private unlink(slot: number, parent: number): void {
    const { slots } = this.desk;
    if (slots.child[parent] === slot) slots.child[parent] = slots.sibling[slot] as number;
    slots.sibling[slot] = -1;
    slots.parent[slot] = -1;
  }

  private connectionKey(client: Uint32Array, port: number, endpoint: number): { high: number; low: number } {
    return this.desk.hash.begin(Key.connection).address(client).add(port).add(endpoint).end();
  }
}

/** The two ends of a connection, and its key. */
interface Connection {
  high: number;
  low: number;
  client: Uint32Array;
  port: number;
  endpoint: number;
}

function kindOf({ tcpFlags, payloadLength }: Headers, to: boolean, { content, status }: Gist): Kind | undefined {
  if (tcpFlags & reset) return to ? Kind.resetTo : Kind.resetFrom;
  if (tcpFlags & syn) return to ? Kind.syn : Kind.synAck;
  if (payloadLength > 0) return to ? Kind.dataTo : content === Content.httpResponse && status >= 500 ? Kind.failureFrom : Kind.dataFrom;
  return tcpFlags & fin && !to ? Kind.finFrom : undefined;
}
