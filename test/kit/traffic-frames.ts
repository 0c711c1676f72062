import { addressBytes, dns, ethernet, etherTypes, ipv4, ipv6, protocols, udp } from './frames.js';
import { draw } from './traffic-chance.js';
import { type Clock, pointsOf, type TrafficOptions, type TrafficPoint } from './traffic-options.js';

const piece = 1 << 20;
const recordHeader = 16;
const link = 14;
const port = 53;
const what = { client: 128, port: 129, id: 130, name: 131, upstream: 132, ownPort: 133, ipId: 144 };
const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];

const addresses = {
  4: { client: '198.18.0.0', vip: '192.168.99.10', upstream: '172.16.0.11' },
  6: { client: '2001:db8:18::', vip: '2001:db8:99::10', upstream: '2001:db8:16::11' },
};

/** What is the same in all packets of a leg and name: bytes to copy, of which only a few are set anew. */
type Template = Uint8Array;

/** Writes the sightings of transactions into one pcap file per point. */
export class FrameWriter {
  readonly points: readonly TrafficPoint[];
  readonly packets: number[];
  private readonly buffers: { bytes: Uint8Array; view: DataView; used: number }[];
  private readonly templates: readonly (readonly Template[])[];
  private readonly seed: number;
  private readonly family: 4 | 6;
  private readonly upstreams: number;
  private readonly clients: number;

  constructor(
    private readonly options: TrafficOptions,
    private readonly sink: (point: number, bytes: Uint8Array) => void,
  ) {
    this.points = pointsOf(options);
    this.packets = this.points.map(() => 0);
    this.seed = options.seed ?? 1;
    this.family = options.family ?? 4;
    this.upstreams = options.upstreams ?? 1;
    this.clients = options.clients ?? 1000;
    this.buffers = this.points.map(() => {
      const bytes = new Uint8Array(piece + 1024);
      return { bytes, view: new DataView(bytes.buffer), used: 24 };
    });
    for (const { view } of this.buffers) {
      view.setUint32(0, 0xa1b2c3d4, true);
      view.setUint16(4, 2, true);
      view.setUint16(6, 4, true);
      view.setUint32(16, options.snapLength ?? 262_144, true);
      view.setUint32(20, 1, true);
    }
    const names = Array.from({ length: options.names ?? 1000 }, (_, index) => `host${index}.example.org`);
    this.templates = [0, 1, 2, 3].map((leg) => names.map((name) => templateOf(leg, name, this.family, options.rewrites !== false)));
  }

  /** Appends the packet, and returns the point at which it was seen. */
  write(timeUs: number, transaction: number, sighting: number): number {
    const { seed } = this;
    const upstream = draw(seed, transaction, what.upstream) % this.upstreams;
    const point = sighting === 3 || sighting === 4 ? 3 + upstream : ([0, 1, 2, 0, 0, 2, 1, 0][sighting] ?? 0);
    const leg = sighting >> 1;
    const ofLeg = this.templates[leg] ?? [];
    const template = ofLeg[draw(seed, transaction, what.name) % ofLeg.length] ?? new Uint8Array(0);
    const buffer = this.buffers[point];
    if (!buffer) throw new Error(`no point ${point}`);

    const at = buffer.used + recordHeader;
    buffer.bytes.set(template, at);
    this.fill(buffer.bytes, at, transaction, sighting, upstream);
    const captured = Math.min(template.length, this.options.snapLength ?? template.length);
    this.writeRecordHeader(buffer.view, buffer.used, this.clockOf(point), timeUs, captured, template.length);
    buffer.used = at + captured;
    this.packets[point] = (this.packets[point] ?? 0) + 1;
    if (buffer.used > piece) this.flushPoint(point);
    return point;
  }

  flush(): void {
    for (let point = 0; point < this.points.length; point++) this.flushPoint(point);
  }

  private flushPoint(point: number): void {
    const buffer = this.buffers[point];
    if (!buffer) return;
    this.sink(point, buffer.bytes.subarray(0, buffer.used));
    buffer.used = 0;
  }

  private clockOf(point: number): Clock | undefined {
    const { client, proxy, upstream } = this.options.clocks ?? {};
    if (point > 2) return upstream;
    return point === 0 ? client : proxy;
  }

  private writeRecordHeader(view: DataView, at: number, clock: Clock | undefined, timeUs: number, captured: number, length: number): void {
    const { startUs = 1_700_000_000_000_000 } = this.options;
    const told = startUs + Math.floor(timeUs * (1 + (clock?.ppm ?? 0) / 1e6) + (clock?.offsetUs ?? 0));
    const seconds = Math.floor(told / 1e6);
    view.setUint32(at, seconds, true);
    view.setUint32(at + 4, told - seconds * 1e6, true);
    view.setUint32(at + 8, captured, true);
    view.setUint32(at + 12, length, true);
  }

  /** Sets what differs between transactions: addresses, ports, ids and hops. */
  private fill(bytes: Uint8Array, at: number, transaction: number, sighting: number, upstream: number): void {
    const { seed, family } = this;
    const leg = sighting >> 1;
    const isToClient = leg > 1;
    const client = draw(seed, transaction, what.client) % this.clients;
    const asked = 1024 + (draw(seed, transaction, what.port) % 64_512);
    const own = 32_768 + (draw(seed, transaction, what.ownPort) % 28_232);
    const clientPort = this.options.keepsPort !== false || leg === 0 ? asked : own;
    const network = at + link;
    const [source, length] = family === 4 ? [network + 12, 4] : [network + 8, 16];
    const destination = source + length;
    const transport = destination + length;

    const [near, far] = leg === 0 || leg === 3 ? [mac.client, mac.proxyOuter] : [mac.proxyInner, mac.upstream + upstream];
    set16(bytes, at + 4, isToClient ? near : far);
    set16(bytes, at + 10, isToClient ? far : near);
    set16(bytes, (isToClient ? destination : source) + length - 2, client);
    if (leg === 1) add8(bytes, destination + length - 1, upstream);
    if (leg === 2 || (leg === 3 && this.options.rewrites === false)) add8(bytes, source + length - 1, upstream);
    // A forwarded packet keeps its identification; nginx sends new ones.
    if (family === 4) set16(bytes, network + 4, draw(seed, transaction, what.ipId + Math.min(leg, 2)));
    if (leg === 3) add8(bytes, network + (family === 4 ? 8 : 7), -1);
    set16(bytes, transport + (isToClient ? 2 : 0), clientPort);
    set16(bytes, transport + 8, draw(seed, transaction, what.id));
  }
}

/** The ends of Ethernet addresses. */
const mac = { client: 0x101, proxyOuter: 0x102, proxyInner: 0x103, upstream: 0x200 } as const;

function templateOf(leg: number, name: string, family: 4 | 6, rewrites: boolean): Template {
  const { client, vip, upstream } = addresses[family];
  const message = leg < 2 ? dns({ id: 0, name }) : dns({ id: 0, name, response: true }, answer);
  const service = leg === 0 || (leg === 3 && rewrites) ? vip : upstream;
  const [source, destination] = leg < 2 ? [client, service] : [service, client];
  const datagram = leg < 2 ? udp(0, port, message) : udp(port, 0, message);
  if (family === 4) return ethernet(etherTypes.ipv4, ipv4({ source, destination, protocol: protocols.udp }, datagram));
  return ethernet(etherTypes.ipv6, ipv6({ source, destination, next: protocols.udp }, datagram));
}

/** The address of a client or upstream by its number from 0, for tests that look for one. */
export function addressOf(kind: 'client' | 'upstream', index: number, family: 4 | 6 = 4): Uint8Array {
  const bytes = Uint8Array.from(addressBytes(addresses[family][kind]));
  if (kind === 'client') set16(bytes, bytes.length - 2, index);
  else add8(bytes, bytes.length - 1, index);
  return bytes;
}

function add8(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (bytes[at] ?? 0) + value;
}

function set16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
