import { chance, draw } from './traffic-chance.js';
import type { Clock } from './traffic-options.js';
import { Capture, type Segment } from './web-frames.js';

/*
 * HTTP through an nginx that asks upstreams under its clients' addresses, as captures of four points whose frames are merged as network cards and
 * drivers merge them: 40 KB in one frame where they are sent, single segments or some of them together where they arrive.
 */

export interface WebOptions {
  transactions: number;
  seed?: number;
  /** Connections begun in a second. */
  perSecond?: number;
  /** Share of transactions that end for good at one of the fifteen ways between two sightings. */
  loss?: number;
  /** Share of bursts of which one packet is lost and comes again later. */
  repeated?: number;
  /** Share of frames of which a copy follows within 50 µs at the same point only. */
  duplicates?: number;
  /** Share of segments that are up to 2 ms late, so that later ones overtake them. */
  delayed?: number;
  /** Share of transactions that are asked on the connection of the one before. */
  keptOpen?: number;
  clocks?: { client?: Clock; proxy?: Clock; upstream?: Clock };
}

export const webPoints = [
  { host: 'client', iface: 'eth0' },
  { host: 'proxy', iface: 'eth0' },
  { host: 'proxy', iface: 'eth1' },
  { host: 'dev1', iface: 'eth0' },
] as const;

/** The packets of a transaction, each with the point that sends it and the one where it arrives. */
export const steps = [
  { kind: 'syn', from: 0, to: 1 },
  { kind: 'synAck', from: 1, to: 0 },
  { kind: 'request', from: 0, to: 1 },
  { kind: 'syn', from: 2, to: 3 },
  { kind: 'synAck', from: 3, to: 2 },
  { kind: 'request', from: 2, to: 3 },
  { kind: 'response', from: 3, to: 2 },
  { kind: 'response', from: 1, to: 0 },
] as const;

export interface WebTruth {
  files: Uint8Array[];
  packets: number;
  transactions: readonly WebTransaction[];
}

export interface WebTransaction {
  client: string;
  clientPort: number;
  /** From which nginx asks the upstream. */
  ownPort: number;
  path: string;
  /** Of its sixteen sightings, the first and how many were made. */
  first: number;
  seen: number;
}

const what = { loss: 1, where: 2, client: 3, kept: 4, asks: 5, answers: 6, begins: 7 };
const mss = 1448;
/** As much as one frame takes where it is sent. */
const mostMerged = 28 * mss;
const [fin, syn, push, ack] = [1, 2, 8, 16];
const vip = '192.168.99.10';
const upstream = '172.16.0.11';
const start = 1_700_000_000_000_000;

/** One end of a TCP connection at a time: what it sends next. */
interface Flow {
  port: number;
  server: string;
  client: string;
  toServer: number;
  fromServer: number;
}

export function webTraffic(options: WebOptions): WebTruth {
  return new Web(options).make();
}

class Web {
  private readonly captures = webPoints.map(() => new Capture());
  private readonly transactions: WebTransaction[] = [];
  private readonly seed: number;
  private event = 0;

  constructor(private readonly options: WebOptions) {
    this.seed = options.seed ?? 1;
  }

  make(): WebTruth {
    const { transactions, perSecond = 2000, keptOpen = 0 } = this.options;
    let open: { flow: Flow; until: number } | undefined;
    for (let number = 0; number < transactions; number++) {
      const isFurther = open !== undefined && chance(this.seed, number, what.kept) < keptOpen;
      if (open && !isFurther) for (const point of [1, 0]) this.put(point, open.until + 500, open.flow, false, fin | ack, 0, '');
      const begins = start + ((number + chance(this.seed, number, what.begins)) * 1e6) / perSecond;
      const flow = isFurther && open ? open.flow : this.connect(number);
      const until = this.transact(number, flow, isFurther && open ? open.until + 20 : begins, isFurther);
      open = until === undefined ? undefined : { flow, until };
    }
    const packets = this.captures.reduce((sum, capture) => sum + capture.packets, 0);
    return { files: this.captures.map((capture) => capture.file()), packets, transactions: this.transactions };
  }

  private connect(number: number): Flow {
    const client = draw(this.seed, number, what.client) % 500;
    return {
      port: 1024 + (number % 60_000),
      server: vip,
      client: `198.18.${client >> 8}.${client & 255}`,
      toServer: draw(this.seed, number, 20),
      fromServer: draw(this.seed, number, 21),
    };
  }

  /** Returns when the client has the whole answer; undefined: never. */
  private transact(number: number, asked: Flow, begins: number, isFurther: boolean): number | undefined {
    const { loss = 0 } = this.options;
    const first = isFurther ? 4 : 0;
    const isLost = chance(this.seed, number, what.loss) < loss;
    const seen = isLost ? first + 1 + Math.floor(chance(this.seed, number, what.where) * (15 - first)) : 16;
    const ownPort = 1024 + ((number * 37 + 11) % 60_000);
    const path = `/p${number % 8192}`;
    this.transactions.push({ client: asked.client, clientPort: asked.port, ownPort, path, first, seen: seen - first });
    const behind = {
      ...asked,
      port: ownPort,
      server: upstream,
      toServer: draw(this.seed, number, 22),
      fromServer: draw(this.seed, number, 23),
    };
    const [asks, answers] = [this.sizeOf(number, what.asks), this.sizeOf(number, what.answers)];
    let now = begins;
    for (let step = first / 2; step < 8; step++) {
      if (2 * step >= seen) return undefined;
      const flow = step < 3 || step === 7 ? asked : behind;
      const way = steps[step] ?? steps[0];
      const [from, to] = [way.from, 2 * step + 1 < seen ? way.to : undefined];
      if (way.kind === 'syn') now = this.single(now, flow, { from, to, flags: syn });
      else if (way.kind === 'synAck') now = this.single(now, flow, { from, to, flags: syn | ack });
      else {
        const text = way.kind === 'response' ? 'HTTP/1.1 200 OK\r\nServer: x' : `POST ${path} HTTP/1.1\r\nHost: x`;
        now = this.burst(now, flow, { from, to, length: way.kind === 'response' ? answers : asks, text });
      }
      if (way.kind === 'synAck' && to !== undefined) this.put(way.to, now + 5, flow, true, ack, 0, '');
      // nginx takes a while, and the upstream longer.
      now += 30 + this.chance() * (step === 5 ? 2000 : 60);
    }
    return seen === 16 ? now : undefined;
  }

  /** From a few bytes to several frames of the greatest size. */
  private sizeOf(number: number, of: number): number {
    const [kind, size] = [chance(this.seed, number, of + 32), chance(this.seed, number, of + 64)];
    if (kind < 0.5) return 100 + Math.floor(size * 1000);
    return kind < 0.8 ? Math.floor(2 * mss + size * 10 * mss) : Math.floor(mostMerged + size * 2 * mostMerged);
  }

  private chance(): number {
    return chance(this.seed, this.event++, 99);
  }

  private wire(): number {
    return 80 + 120 * this.chance();
  }

  /** A packet without payload. One that never arrives is sent three times; one that is lost once, twice. */
  private single(now: number, flow: Flow, { from, to, flags }: { from: number; to: number | undefined; flags: number }): number {
    const toServer = (flags & ack) === 0;
    const repeats = to === undefined ? [0, 1e6, 3e6] : this.chance() < (this.options.repeated ?? 0) ? [0, 1e6] : [0];
    for (const after of repeats) this.put(from, now + after, flow, toServer, flags, 0, '');
    const arrives = now + (repeats.at(-1) ?? 0) + this.wire();
    if (to === undefined) return now;
    this.put(to, arrives, flow, toServer, flags, 0, '');
    if (toServer) flow.toServer++;
    else flow.fromServer++;
    return arrives;
  }

  /** Bytes that leave in frames as large as can be, and arrive in others. */
  private burst(
    now: number,
    flow: Flow,
    { from, to, length, text }: { from: number; to: number | undefined; length: number; text: string },
  ): number {
    const toServer = text.startsWith('POST');
    const whole = { toServer, length, text };
    for (const after of to === undefined ? [0, 200_000, 600_000] : [0]) this.pieces(from, now + after, flow, whole, mostMerged);
    if (to === undefined) return now;
    const most = [mss, (1 + Math.floor(this.chance() * 12)) * mss, mostMerged][Math.floor(this.chance() * 3)] ?? mss;
    const arrives = this.pieces(to, now + this.wire(), flow, whole, most, from);
    if (toServer) flow.toServer = (flow.toServer + length) >>> 0;
    else flow.fromServer = (flow.fromServer + length) >>> 0;
    return arrives;
  }

  /** Frames of at most so many bytes at a point; `sentAt`: where what was lost on the way is sent again. Returns when the last of them is there. */
  private pieces(
    point: number,
    now: number,
    flow: Flow,
    { toServer, length, text }: { toServer: boolean; length: number; text: string },
    most: number,
    sentAt?: number,
  ): number {
    const { repeated = 0, delayed = 0 } = this.options;
    const lost = sentAt !== undefined && this.chance() < repeated ? Math.floor(this.chance() * length) : -1;
    let last = now;
    for (let at = 0; at < length; at += most) {
      const size = Math.min(most, length - at);
      let when = now + (at / mss) * 1.2;
      if (lost >= at && lost < at + size) {
        when += 3000 + 200_000 * this.chance();
        this.put(sentAt ?? point, when - 100, flow, toServer, push | ack, size, at === 0 ? text : '', at);
      } else if (sentAt !== undefined && this.chance() < delayed) when += 2000 * this.chance();
      this.put(point, when, flow, toServer, push | ack, size, at === 0 ? text : '', at);
      last = Math.max(last, when);
    }
    return last;
  }

  private put(point: number, timeUs: number, flow: Flow, toServer: boolean, flags: number, length: number, text: string, at = 0): void {
    const { client, port, server } = flow;
    const [mac, serverMac] = server === vip ? [0x101, 0x102] : [0x103, 0x200];
    const ends = [
      { address: client, port, mac, next: flow.toServer },
      { address: server, port: 80, mac: serverMac, next: flow.fromServer },
    ] as const;
    const [source, destination] = toServer ? ends : [ends[1], ends[0]];
    const segment: Segment = {
      macs: [source.mac, destination.mac],
      source: source.address,
      sourcePort: source.port,
      destination: destination.address,
      destinationPort: destination.port,
      flags,
      sequence: (source.next + at) >>> 0,
      acknowledgement: (flags & ack) === 0 ? 0 : destination.next,
      length,
      text,
    };
    const told = this.toldBy(point, timeUs);
    this.captures[point]?.add(told, segment);
    if (this.chance() < (this.options.duplicates ?? 0)) this.captures[point]?.add(told + 45 * this.chance(), segment);
  }

  private toldBy(point: number, timeUs: number): number {
    const { client, proxy, upstream: server } = this.options.clocks ?? {};
    const clock = point === 0 ? client : point === 3 ? server : proxy;
    return start + (timeUs - start) * (1 + (clock?.ppm ?? 0) / 1e6) + (clock?.offsetUs ?? 0);
  }
}
