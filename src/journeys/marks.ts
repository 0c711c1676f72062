/** What a sighting is of. `to`: towards the server, `from`: what the server sends. */
export const Kind = {
  datagramTo: 0,
  datagramFrom: 1,
  syn: 2,
  synAck: 3,
  dataTo: 4,
  dataFrom: 5,
  /** An answer of status 500 and up. */
  failureFrom: 6,
  resetTo: 7,
  resetFrom: 8,
  /** An ICMP error about a packet of the kind before it; who sent it is the mark's other address. */
  errorAboutTo: 9,
  errorAboutFrom: 10,
  /** All but the first of a datagram. */
  fragmentTo: 11,
  fragmentFrom: 12,
  /** The server ends the connection without a byte of data. */
  finFrom: 13,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

export const isFrom = (kind: number): boolean =>
  kind === Kind.datagramFrom ||
  kind === Kind.synAck ||
  kind === Kind.dataFrom ||
  kind === Kind.failureFrom ||
  kind === Kind.resetFrom ||
  kind === Kind.fragmentFrom ||
  kind === Kind.finFrom ||
  kind === Kind.errorAboutFrom;

export const isReset = (kind: number): boolean => kind === Kind.resetTo || kind === Kind.resetFrom;
export const isError = (kind: number): boolean => kind === Kind.errorAboutTo || kind === Kind.errorAboutFrom;

const size = 16384;
/** More than this is no setup but an attack: what comes later is one mark. */
const most = size / 2;

/**
 * The different sightings that transactions consist of, numbered as they are met: at which point, in which direction, of what kind, to or from
 * which server, under the client's own address or another's. A transaction is then a short list of numbers, and those that went the same way have the same list.
 */
export class Marks {
  count = 1;
  readonly point = new Uint8Array(most);
  readonly direction = new Uint8Array(most);
  readonly kind = new Uint8Array(most);
  /** Number of the server's address and port. */
  readonly endpoint = new Uint16Array(most);
  /** 0: the client's own address; else the number of the address that stood in its place, or sent the ICMP error. */
  readonly other = new Uint16Array(most);
  /** Routers passed since the packet was made, as its TTL tells when it began at 64, 128 or 255. */
  readonly hops = new Uint8Array(most);
  /** Type and code of the ICMP error, 256 × type + code. */
  readonly detail = new Uint16Array(most);
  private readonly table = new Uint16Array(size);
  /** All of that, but for the hops, in two words: to compare them is quick. */
  private readonly what = new Int32Array(most);
  private readonly whose = new Int32Array(most);

  numberOf(point: number, direction: number, kind: number, endpoint: number, other: number, ttl: number, detail: number): number {
    const what = point | (direction << 8) | (kind << 10) | (detail << 14);
    const whose = endpoint | (other << 16);
    let at = Math.imul(what, 0x9e3779b1) ^ Math.imul(whose, 0x85ebca6b);
    at = (at ^ (at >>> 15)) & (size - 1);
    for (;;) {
      const number = this.table[at] as number;
      if (number === 0) break;
      if (this.what[number] === what && this.whose[number] === whose) return number;
      at = (at + 1) & (size - 1);
    }
    if (this.count === most) return 0;
    const number = this.count++;
    this.table[at] = number;
    this.what[number] = what;
    this.whose[number] = whose;
    this.point[number] = point;
    this.direction[number] = direction;
    this.kind[number] = kind;
    this.endpoint[number] = endpoint;
    this.other[number] = other;
    this.detail[number] = detail;
    this.hops[number] = (ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl;
    return number;
  }
}
