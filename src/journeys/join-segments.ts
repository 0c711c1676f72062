import { Content, type Gist } from '../packets/gist.js';
import type { Headers } from '../packets/headers.js';
import type { Packet } from '../packets/packet.js';
import { Causes } from './causes.js';
import type { Desk } from './desk.js';
import { Kind } from './marks.js';
import { Part } from './services.js';
import { Flag } from './slots.js';

const connectionKey = 16;
const [fin, syn, reset, ack] = [1, 2, 4, 16];

/** A connection whose beginning is met after other packets of it has not got farther than this, in bytes. */
const farthest = 2 ** 24;
/** Requests of one connection that are told apart at a time: captures are not further apart. */
const mostRequests = 16;

/**
 * Joins TCP. Each connection is a slot; nginx opens one of its own towards an upstream, which belongs to a client's connection: of the same address,
 * open and not answered yet, and told for certain by what the HTTP request asks for.
 */
export class SegmentJoiner {
  private readonly causes: Causes;

  constructor(private readonly desk: Desk) {
    this.causes = new Causes(desk);
  }

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
    const newest = this.slotOf(headers, to, connection);
    const asks = kind === Kind.dataTo && gist.content === Content.httpRequest;
    const slot = asks ? this.noteRequest(newest, gist.low >>> 0, headers, connection) : this.requestAt(newest, to, headers);
    if (slot < 0) return true;
    if (kind === Kind.dataFrom || kind === Kind.failureFrom) slots.answeredAt[slot] = Math.min(slots.answeredAt[slot] as number, slots.now);
    if (kind === Kind.finFrom && slots.answeredAt[slot] !== Number.POSITIVE_INFINITY) return true;
    const whole = this.wholeKind(slot, kind, gist);
    const dir = this.desk.directionAt(point, headers.direction, to, endpoint);
    slots.see(slot, marks.numberOf(point, dir, whole, endpoint, 0, headers.ttl, 0), port, whole >= Kind.dataTo ? 0 : headers.ipId);
    return true;
  }

  /** A segment in the midst of a failure is of that kind, too. */
  private wholeKind(slot: number, kind: Kind, { content }: Gist): Kind {
    const { flags } = this.desk.slots;
    if (kind === Kind.failureFrom) flags[slot] = (flags[slot] as number) | Flag.failing;
    const isFurther = kind === Kind.dataFrom && content !== Content.httpResponse && ((flags[slot] as number) & Flag.failing) !== 0;
    return isFurther ? Kind.failureFrom : kind;
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
    const slot = this.requestAt(keys.find(high, low), to, quoted);
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

  /** The newest request of the connection, or what a packet opens that tells of one; -1: none. */
  private slotOf(headers: Headers, to: boolean, connection: Connection): number {
    const { slots } = this.desk;
    const found = this.desk.keys.find(connection.high, connection.low);
    const opens = to && (headers.tcpFlags & (syn | ack)) === syn;
    if (found >= 0 && !(opens && this.isAnother(found, headers.tcpSequence))) {
      if (opens) slots.sequence[found] = headers.tcpSequence;
      return found;
    }
    if (!opens && headers.payloadLength === 0 && (headers.tcpFlags & syn) === 0) return -1;
    const slot = this.open(headers.family, connection);
    if (opens) slots.sequence[slot] = headers.tcpSequence;
    else if ((headers.tcpFlags & syn) === 0) slots.flags[slot] = (slots.flags[slot] as number) | Flag.midway;
    const begins = to ? placeOf(headers) : headers.tcpAcknowledgement - ((headers.tcpFlags & syn) === 0 ? 1 : 0);
    slots.start[slot] = begins;
    this.causes.guess(slot, connection.client, this.isBehind(connection));
    return slot;
  }

  /** Whether a SYN of this sequence number begins another connection between the same ports. */
  private isAnother(slot: number, sequence: number): boolean {
    const { slots } = this.desk;
    if (slots.sequence[slot] !== 0) return slots.sequence[slot] !== sequence;
    const ahead = ((slots.start[slot] as number) - sequence) | 0;
    return ahead <= 0 || ahead > farthest;
  }

  private open(family: number, connection: Connection, before = -1): number {
    const { keys, slots } = this.desk;
    const { high, low, client, port } = connection;
    const slot = slots.open(6, family, client, port);
    keys.set(high, low, slot);
    slots.before[slot] = before;
    if (before >= 0) slots.sequence[slot] = slots.sequence[before] as number;
    this.causes.remember(slot, client, this.isBehind(connection));
    return slot;
  }

  private isBehind({ endpoint }: Connection): boolean {
    return this.desk.endpoints.parts[endpoint] === Part.upstream;
  }

  /** Requests of one connection, the one opened last first. */
  private *requestsOf(newest: number): Generator<number> {
    const { slots } = this.desk;
    for (let slot = newest, n = 0; slot >= 0 && n < mostRequests; n++) {
      const before = slots.before[slot] as number;
      const isOlder = before >= 0 && (slots.generation[before] as number) < (slots.generation[slot] as number);
      yield slot;
      slot = isOlder ? before : -1;
    }
  }

  /**
   * The request that a packet belongs to, by its place among the client's bytes, which is the same at every point however frames were cut or merged
   * there: the last that begins before it. What acknowledges no more than where a request begins, answers the one before.
   */
  private requestAt(newest: number, to: boolean, headers: Headers): number {
    const { slots } = this.desk;
    if (newest < 0 || (slots.before[newest] as number) < 0 || (!to && (headers.tcpFlags & ack) === 0)) return newest;
    const place = to ? placeOf(headers) : headers.tcpAcknowledgement - 1;
    let latest = -1;
    let earliest = newest;
    for (const slot of this.requestsOf(newest)) {
      const start = slots.start[slot] as number;
      if (((place - start) | 0) >= 0 && (latest < 0 || ((start - (slots.start[latest] as number)) | 0) > 0)) latest = slot;
      if (((start - (slots.start[earliest] as number)) | 0) < 0) earliest = slot;
    }
    return latest >= 0 ? latest : earliest;
  }

  /**
   * Begins a transaction of its own for each request of a connection that is kept open, and lets what is asked for settle whose connection it is, also
   * where its source is not the client's address.
   */
  private noteRequest(newest: number, request: number, headers: Headers, connection: Connection): number {
    const { slots } = this.desk;
    let mine = -1;
    for (const slot of this.requestsOf(newest)) {
      if (slots.start[slot] === headers.tcpSequence && slots.request[slot] === request) return slot;
      if (this.mayAsk(slot, headers.tcpSequence)) mine = slot;
    }
    if (mine < 0) mine = this.open(headers.family, connection, newest);
    slots.start[mine] = headers.tcpSequence;
    slots.request[mine] = request;
    this.causes.settle(mine, request, connection.client, this.isBehind(connection));
    return mine;
  }

  /** Whether a slot that nothing is known to be asked by may be that of a request that begins there. */
  private mayAsk(slot: number, sequence: number): boolean {
    const { slots } = this.desk;
    if (slots.request[slot] !== 0) return false;
    return ((sequence - (slots.start[slot] as number)) | 0) <= 0 || slots.answeredAt[slot] === Number.POSITIVE_INFINITY;
  }

  /** When everything has been seen. */
  settle(slot: number): void {
    this.causes.settleLast(slot);
  }

  private connectionKey(client: Uint32Array, port: number, endpoint: number): { high: number; low: number } {
    return this.desk.hash.begin(connectionKey).address(client).add(port).add(endpoint).end();
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

/** Where among the client's bytes a packet of the client's begins: a SYN takes the place of one. */
function placeOf({ tcpFlags, tcpSequence }: Headers): number {
  return tcpSequence + (tcpFlags & syn ? 1 : 0);
}

function kindOf({ tcpFlags, payloadLength }: Headers, to: boolean, { content, status }: Gist): Kind | undefined {
  if (tcpFlags & reset) return to ? Kind.resetTo : Kind.resetFrom;
  if (tcpFlags & syn) return to ? Kind.syn : Kind.synAck;
  if (payloadLength > 0 && to) return Kind.dataTo;
  if (payloadLength > 0 && content === Content.httpResponse) return kindOfStatus(status);
  if (payloadLength > 0) return Kind.dataFrom;
  return tcpFlags & fin && !to ? Kind.finFrom : undefined;
}

/** A server says "100 Continue" before it has an answer, and nginx before it has asked anybody. */
function kindOfStatus(status: number): Kind | undefined {
  if (status >= 500) return Kind.failureFrom;
  return status < 200 && status !== 101 ? undefined : Kind.dataFrom;
}
