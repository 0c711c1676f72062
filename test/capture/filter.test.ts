import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Flows, filterFor } from '../../src/capture/filter.js';
import { startCapture } from '../../src/capture/start.js';
import { pcapFile } from '../kit/captures.js';
import { ethernet, etherTypes, icmp, ipv4, ipv6, ipv6Fragment, joined, protocols, tcp, udp } from '../kit/frames.js';
import { Frames, Wire } from './wire.js';

const client = '192.168.99.50';
const vip = '192.168.99.10';
const [client6, vip6] = ['fd00:99::50', 'fd00:99::10'];
const flows: Flows = {
  ports: [
    { protocol: 'udp', port: 53 },
    { protocol: 'tcp', port: 80 },
  ],
  addresses: [vip, vip6],
};

const v4 = (protocol: number, payload: Uint8Array, more: { source?: string; destination?: string; fragmentOffset?: number } = {}) =>
  ipv4({ source: client, destination: vip, protocol, ...more }, payload);
const v6 = (next: number, payload: Uint8Array, more: { destination?: string } = {}) =>
  ipv6({ source: client6, destination: vip6, next, ...more }, payload);
const query = udp(40_000, 53, new Uint8Array(20));
const quoted = v4(protocols.udp, query);
const laterFragment6 = ipv6Fragment({ next: protocols.udp, id: 7, fragmentOffset: 1448, moreFragments: false }, new Uint8Array(64));

const wanted: [string, Uint8Array][] = [
  ['a DNS query', v4(protocols.udp, query)],
  ['its answer from anywhere', v4(protocols.udp, udp(53, 40_000, new Uint8Array(20)), { source: '172.16.0.11', destination: client })],
  ['a SYN', v4(protocols.tcp, tcp({ sourcePort: 40_000, destinationPort: 80, flags: 2 }))],
  ['a first fragment', ipv4({ source: client, destination: vip, protocol: 17, moreFragments: true }, query)],
  ['a later fragment from a known address', v4(protocols.udp, new Uint8Array(64), { fragmentOffset: 1480 })],
  ...[3, 4, 5, 11, 12].map((type): [string, Uint8Array] => [`an ICMP error, type ${type}`, v4(protocols.icmp, icmp(type, 1, quoted))]),
  ['a DNS query over IPv6', v6(protocols.udp, query)],
  ['a SYN over IPv6', v6(protocols.tcp, tcp({ sourcePort: 40_000, destinationPort: 80, flags: 2 }))],
  ['a fragment over IPv6', v6(44, laterFragment6)],
  ...[1, 2, 3, 4].map((type): [string, Uint8Array] => [
    `an ICMPv6 error, type ${type}`,
    v6(protocols.icmpv6, icmp(type, 0, v6(17, query))),
  ]),
];

const foreign: [string, Uint8Array][] = [
  ['UDP of another port', v4(protocols.udp, udp(40_000, 54, new Uint8Array(20)))],
  ['TCP of the port that UDP has', v4(protocols.tcp, tcp({ sourcePort: 40_000, destinationPort: 53 }))],
  ['UDP of the port that TCP has', v4(protocols.udp, udp(40_000, 80, new Uint8Array(20)))],
  ['a ping', v4(protocols.icmp, icmp(8, 0, new Uint8Array(56)))],
  ['its answer', v4(protocols.icmp, icmp(0, 0, new Uint8Array(56)))],
  ['a ping over IPv6', v6(protocols.icmpv6, icmp(128, 0, new Uint8Array(56)))],
  ['a neighbour solicitation', v6(protocols.icmpv6, icmp(135, 0, new Uint8Array(24)))],
  ['a later fragment between others', v4(protocols.udp, query, { destination: '192.168.99.77', fragmentOffset: 1480 })],
  ['a fragment between others over IPv6', v6(44, laterFragment6, { destination: 'fd00:99::77' })],
];

const isV6 = (packet: Uint8Array): boolean => (packet[0] ?? 0) >> 4 === 6;
const onEthernet = (packet: Uint8Array, vlans: readonly number[] = []) =>
  ethernet(isV6(packet) ? etherTypes.ipv6 : etherTypes.ipv4, packet, vlans);

const links = {
  Ethernet: { linkType: 1, ethernet: true, frame: (packet: Uint8Array) => onEthernet(packet) },
  'Ethernet with a tag': { linkType: 1, ethernet: true, frame: (packet: Uint8Array) => onEthernet(packet, [7]) },
  'raw IP': { linkType: 101, ethernet: false, frame: (packet: Uint8Array) => packet },
  'Linux cooked': {
    linkType: 113,
    ethernet: false,
    frame: (packet: Uint8Array) =>
      joined([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, isV6(packet) ? 0x86 : 8, isV6(packet) ? 0xdd : 0], packet),
  },
};

async function passing(filter: string, frames: readonly Uint8Array[], linkType: number): Promise<Buffer[]> {
  const file = pcapFile(
    frames.map((bytes) => ({ bytes })),
    { linkType },
  );
  const { stdout } = await execa('tcpdump', ['-r', '-', '-w', '-', '--', filter], { input: file, encoding: 'buffer' });
  const passed = new Frames();
  passed.push(stdout);
  expect(passed.end().ok).toBe(true);
  return passed.all;
}

describe.each(Object.entries(links))('on %s the filter', (_, { linkType, ethernet, frame }) => {
  const filter = filterFor(flows, { ethernet });

  it('keeps all that belongs to the flows, and nothing else', async () => {
    const named = [...wanted, ...foreign].map(([name, packet]): [string, Uint8Array] => [name, frame(packet)]);
    const passed = await passing(
      filter,
      named.map(([, bytes]) => bytes),
      linkType,
    );
    const names = passed.map((bytes) => named.find(([, packet]) => bytes.equals(packet))?.[0]);
    expect(names).toEqual(wanted.map(([name]) => name));
  });
});

describe('the filter', () => {
  it('keeps of what has ports only that of the clients it was told', async () => {
    const filter = filterFor({ ...flows, only: [client, client6] }, { ethernet: false });
    const others = [
      v4(protocols.udp, query, { source: '192.168.99.51' }),
      ipv6({ source: 'fd00:99::51', destination: vip6, next: protocols.udp }, query),
    ];
    const own = [v4(protocols.udp, query), v6(protocols.udp, query), v4(protocols.icmp, icmp(3, 3, quoted), { source: '192.168.99.51' })];
    expect(await passing(filter, [...others, ...own], 101)).toEqual(own.map((bytes) => Buffer.from(bytes)));
  });

  it('keeps every later fragment where no address is known', async () => {
    const filter = filterFor({ ports: flows.ports, addresses: ['', 'localhost', '10.0.0.1 or tcp'] }, { ethernet: false });
    expect(await passing(filter, [v4(protocols.udp, query, { fragmentOffset: 1480 })], 101)).toHaveLength(1);
  });

  it('keeps all of TCP and UDP where no port is known', async () => {
    const filter = filterFor({ ports: [], addresses: [] }, { ethernet: true });
    const frames = [...wanted, ...foreign].map(([, packet]) => packet);
    const withPorts = frames.filter((packet) => [6, 17].includes((isV6(packet) ? packet[6] : packet[9]) ?? 0));
    expect(
      await passing(
        filter,
        withPorts.map((packet) => onEthernet(packet)),
        1,
      ),
    ).toHaveLength(withPorts.length);
  });

  it.each([0, -1, 65_536, 1.5, Number.NaN])('is not made of a port %d', (port) => {
    expect(() => filterFor({ ports: [{ protocol: 'tcp', port }], addresses: [] }, { ethernet: true })).toThrow(RangeError);
  });

  it.each([
    ['30 addresses of IPv6 and 64 ports', 30, (n: number) => `fd00:${n.toString(16)}::${n + 1}`, 64],
    ['1000 addresses of IPv6 and 1000 ports', 1000, (n: number) => `fd00:${n.toString(16)}::${n + 1}`, 1000],
    ['120 addresses of IPv4 and 64 ports', 120, (n: number) => `10.1.${n}.${(3 * n) % 250}`, 64],
  ])('for %s is one that the kernel takes: at most 4096 instructions', async (_, count, address, portCount) => {
    const addresses = Array.from({ length: count }, (_, index) => address(index));
    const ports = Array.from({ length: portCount }, (_, index) => ({ protocol: 'udp' as const, port: 1000 + 2 * index }));
    const filter = filterFor({ ports, addresses, only: addresses }, { ethernet: true });
    const { stdout } = await execa('tcpdump', ['-i', 'lo', '-ddd', '--', filter]);
    expect(Number(stdout.split('\n')[0])).toBeLessThan(4096);
  });
});

describe('in a live capture the filter', () => {
  let wire: Wire;
  beforeAll(async () => {
    wire = await Wire.lay();
  });
  afterAll(() => wire.remove());

  it('keeps frames whose tags the kernel has set aside', async () => {
    const frames = new Frames();
    const filter = filterFor({ ports: [{ protocol: 'udp', port: 5300 }], addresses: [] }, { ethernet: true });
    const capture = startCapture(wire.plan({ filter }), frames.push);
    expect(await capture.ready).toEqual({ ok: true });
    const sent = [5299, 5300].map((port) => onEthernet(v4(protocols.udp, udp(40_000, port, new Uint8Array(20))), [7]));
    for (const frame of sent) await wire.sendFrame(frame);
    await frames.untilThereAre(1);
    await capture.stop();
    expect(frames.all).toEqual([Buffer.from(sent[1] ?? [])]);
  });
});
