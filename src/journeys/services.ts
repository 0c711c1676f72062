import { canonical } from '../net/address.js';
import { addressText } from '../packets/text.js';

/** A service as far as joining its packets needs it. Addresses that are not known are learned from the packets. */
export interface TracedService {
  /** As in the report; absent where packets alone are known. */
  id?: string;
  /** nginx's host. */
  host?: string;
  protocol: 'tcp' | 'udp';
  /** The listening port. */
  port: number;
  upstreamPorts: readonly number[];
  upstreams: readonly string[];
  /** To whom upstreams answer: nginx (method 1, plain), the client (DSR), nobody (one-way), or it is not known. */
  answersTo: 'nginx' | 'client' | 'nobody' | 'unknown';
}

/** What an address and port on the servers' side is: where clients ask, or an upstream. A stranger was only ever seen to answer. */
export const Part = { unknown: 0, service: 1, upstream: 2, stranger: 3 } as const;
export type Part = (typeof Part)[keyof typeof Part];

const listening = 1;
const behind = 2;
const most = 4096;

/** The servers' addresses and ports, numbered as they are met. 0 stands for all that are too many. */
export class Endpoints {
  readonly parts = new Uint8Array(most);
  private readonly words = new Int32Array(most * 4);
  private readonly ports = new Uint16Array(most);
  private readonly families = new Uint8Array(most);
  private readonly table = new Uint16Array(most * 4);
  private readonly tcpPorts = new Uint8Array(65536);
  private readonly udpPorts = new Uint8Array(65536);
  private readonly upstreams: ReadonlySet<string>;
  private count = 1;

  constructor(readonly services: readonly TracedService[]) {
    const upstreams = new Set<string>();
    for (const { protocol, port, upstreamPorts, upstreams: addresses } of services) {
      const kinds = protocol === 'tcp' ? this.tcpPorts : this.udpPorts;
      kinds[port] = (kinds[port] as number) | listening;
      for (const other of upstreamPorts) {
        kinds[other] = (kinds[other] as number) | behind;
        for (const address of addresses) upstreams.add(`${canonical(address)} ${other}`);
      }
    }
    this.upstreams = upstreams;
  }

  isServer(protocol: number, port: number): boolean {
    return (protocol === 17 ? this.udpPorts : this.tcpPorts)[port] !== 0;
  }

  /** The number of an address and port. `asked`: a packet towards it was seen, which makes it more than a stranger. */
  numberOf(protocol: number, family: 4 | 6, address: Uint32Array, port: number, asked: boolean): number {
    // As signed numbers, which stay in registers.
    const a = (address[0] as number) | 0;
    const b = (address[1] as number) | 0;
    const c = (address[2] as number) | 0;
    const d = (address[3] as number) | 0;
    const mask = this.table.length - 1;
    let at = (Math.imul(a ^ Math.imul(b, 31) ^ Math.imul(c, 131) ^ Math.imul(d, 1031) ^ port, 0x9e3779b1) >>> 16) & mask;
    for (;;) {
      const number = this.table[at] as number;
      if (number === 0) break;
      const base = number * 4;
      if (
        this.words[base + 3] === d &&
        this.ports[number] === port &&
        this.words[base + 2] === c &&
        this.words[base + 1] === b &&
        this.words[base] === a &&
        this.families[number] === family
      ) {
        if (asked && this.parts[number] === Part.stranger) this.parts[number] = this.partOf(protocol, number, true);
        return number;
      }
      at = (at + 1) & mask;
    }
    if (this.count === most) return 0;
    const number = this.count++;
    this.table[at] = number;
    this.words.set(address, number * 4);
    this.ports[number] = port;
    this.families[number] = family;
    this.parts[number] = this.partOf(protocol, number, asked);
    return number;
  }

  private partOf(protocol: number, number: number, asked: boolean): Part {
    const port = this.ports[number] as number;
    if (this.upstreams.has(`${this.addressOf(number)} ${port}`)) return Part.upstream;
    if (!asked) return Part.stranger;
    const kind = (protocol === 17 ? this.udpPorts : this.tcpPorts)[port] as number;
    if (kind === listening) return Part.service;
    const known = this.services.some((service) => service.upstreams.length > 0);
    if (kind === behind) return Part.upstream;
    return known ? Part.service : Part.unknown;
  }

  addressOf(number: number): string {
    return number === 0
      ? 'one of many'
      : addressText(Uint32Array.from(this.words.subarray(number * 4, number * 4 + 4)), this.families[number] === 6 ? 6 : 4);
  }

  portOf(number: number): number {
    return this.ports[number] as number;
  }

  /** All that were met. */
  *all(): Generator<number> {
    for (let number = 1; number < this.count; number++) yield number;
  }
}
