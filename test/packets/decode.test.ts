import { describe, expect, test } from 'vitest';
import { decode } from '../../src/packets/decode.js';
import { Decoded, Direction, Headers } from '../../src/packets/headers.js';
import { macAt } from '../../src/packets/link.js';
import { addressText } from '../../src/packets/text.js';
import {
  cooked,
  cooked2,
  ethernet,
  etherTypes,
  icmp,
  ipv4,
  ipv6,
  ipv6Extension,
  ipv6Fragment,
  joined,
  protocols,
  tcp,
  udp,
} from '../kit/frames.js';

const four = { source: '203.0.113.7', destination: '172.16.0.11' };
const six = { source: '2001:db8::7', destination: '2001:db8:1::11' };
const payload = Buffer.from('forty-two');
const linkType = { ethernet: 1, cooked: 113, cooked2: 276, raw: 101 };

function decoded(frame: Uint8Array, type = linkType.ethernet, wireLength?: number) {
  const headers = new Headers();
  // The frame is somewhere in a larger piece of memory, as always.
  const bytes = joined(new Uint8Array(3).fill(0xee), frame, new Uint8Array(40).fill(0xee));
  const outcome = decode(bytes, 3, 3 + frame.length, type, headers, wireLength);
  return {
    outcome,
    headers,
    from: `${addressText(headers.source, headers.family)} ${headers.sourcePort}`,
    to: `${addressText(headers.destination, headers.family)} ${headers.destinationPort}`,
    payload: [...bytes.subarray(headers.payloadStart, headers.payloadEnd)],
  };
}

const datagram = ipv4({ ...four, protocol: protocols.udp, id: 4711, ttl: 63 }, udp(5353, 53, payload));

describe('link layers', () => {
  test.each([
    ['Ethernet', 1, ethernet(etherTypes.ipv4, datagram)],
    ['one VLAN tag', 1, ethernet(etherTypes.ipv4, datagram, [42])],
    ['a tag in a service tag', 1, ethernet(etherTypes.ipv4, datagram, [42, 7])],
    ['Linux cooked', 113, cooked(etherTypes.ipv4, datagram)],
    ['Linux cooked, version 2', 276, cooked2(etherTypes.ipv4, datagram)],
    ['raw IP', 101, datagram],
    ['raw IP as BSD numbers it', 12, datagram],
    ['raw IPv4', 228, datagram],
    ['BSD loopback', 0, joined([2, 0, 0, 0], datagram)],
    ['BSD loopback in network order', 108, joined([0, 0, 0, 2], datagram)],
  ])('%s leads to the packet', (_, type, frame) => {
    expect(decoded(frame, type)).toMatchObject({
      outcome: Decoded.ip,
      from: '203.0.113.7 5353',
      to: '172.16.0.11 53',
      payload: [...payload],
    });
  });

  test('addresses and outermost tag of Ethernet are kept', () => {
    const frame = ethernet(etherTypes.ipv4, datagram, [42, 7]);
    const headers = new Headers();
    decode(frame, 0, frame.length, linkType.ethernet, headers);
    expect(headers).toMatchObject({ vlan: 42, direction: Direction.unknown });
    expect(macAt(frame, headers.sourceMacAt)).toBe(0x020000000001);
    expect(macAt(frame, headers.destinationMacAt)).toBe(0x020000000002);
    expect(decoded(ethernet(etherTypes.ipv4, datagram)).headers.vlan).toBe(0);
    expect(decoded(cooked(etherTypes.ipv4, datagram), 113).headers).toMatchObject({ sourceMacAt: 3 + 6, destinationMacAt: -1 });
  });

  test.each([
    [0, Direction.in],
    [1, Direction.in],
    [2, Direction.in],
    [3, Direction.in],
    [4, Direction.out],
    [9, Direction.unknown],
  ])('cooked packets of type %i tell their direction', (packetType, direction) => {
    expect(decoded(cooked(etherTypes.ipv4, datagram, packetType), 113).headers.direction).toBe(direction);
    expect(decoded(cooked2(etherTypes.ipv4, datagram, packetType, 7), 276).headers).toMatchObject({ direction, interfaceIndex: 7 });
  });

  test('what is not IP, and what link is unknown, is said', () => {
    expect(decoded(ethernet(etherTypes.arp, new Uint8Array(28))).outcome).toBe(Decoded.notIp);
    expect(decoded(ethernet(100, new Uint8Array(100))).outcome).toBe(Decoded.notIp);
    expect(decoded(cooked(etherTypes.arp, new Uint8Array(28)), 113).outcome).toBe(Decoded.notIp);
    expect(decoded(joined([7, 7, 7, 7], datagram), 0).outcome).toBe(Decoded.notIp);
    expect(decoded(datagram, 147).outcome).toBe(Decoded.unknownLink);
    expect(decoded(ethernet(etherTypes.ipv4, datagram, Array<number>(9).fill(1))).outcome).toBe(Decoded.malformed);
  });
});

describe('IPv4', () => {
  test('fields, with header options', () => {
    const { headers, payload: told } = decoded(
      ipv4({ ...four, protocol: 17, id: 0xabcd, ttl: 3, options: [1, 1, 1, 1] }, udp(1, 2, payload)),
      101,
    );
    expect(headers).toMatchObject({
      family: 4,
      protocol: 17,
      ttl: 3,
      ipId: 0xabcd,
      ipLength: 41,
      fragmentOffset: 0,
      moreFragments: false,
      payloadLength: 9,
    });
    expect(told).toEqual([...payload]);
  });

  test('padding of short frames is no payload', () => {
    expect(decoded(joined(ethernet(etherTypes.ipv4, datagram), new Uint8Array(20))).payload).toEqual([...payload]);
  });

  test('a frame merged beyond 64 kB says 0: its length is that of the frame, cut or not', () => {
    const merged = ipv4({ ...four, protocol: protocols.tcp, totalLength: 0 }, tcp({ sourcePort: 80, destinationPort: 9 }, payload));
    expect(decoded(merged, 101)).toMatchObject({ outcome: Decoded.ip, payload: [...payload], headers: { ipLength: 49, payloadLength: 9 } });
    expect(decoded(ethernet(etherTypes.ipv4, merged), 1, 90_014).headers).toMatchObject({ ipLength: 90_000, payloadLength: 89_960 });
  });

  test('a later fragment has no ports', () => {
    const later = ipv4({ ...four, protocol: 17, id: 9, fragmentOffset: 1480, moreFragments: true }, payload);
    expect(decoded(later, 101)).toMatchObject({
      outcome: Decoded.ip,
      from: '203.0.113.7 0',
      payload: [...payload],
      headers: { fragmentOffset: 1480, moreFragments: true, ipId: 9, payloadLength: 9 },
    });
  });

  test('the payload of a first fragment is what is in it', () => {
    const first = ipv4({ ...four, protocol: 17, moreFragments: true }, udp(5, 53, payload, 3000));
    expect(decoded(first, 101)).toMatchObject({
      outcome: Decoded.ip,
      from: '203.0.113.7 5',
      payload: [...payload],
      headers: { payloadLength: 9 },
    });
  });

  test.each([
    ['another version', (p: Uint8Array) => p.fill(0x65, 0, 1)],
    ['a header shorter than one', (p: Uint8Array) => p.fill(0x44, 0, 1)],
    ['a header longer than the packet', (p: Uint8Array) => p.fill(19, 3, 4).fill(0, 2, 3)],
    ['a UDP length below 8', (p: Uint8Array) => p.fill(7, 25, 26)],
    ['a UDP length beyond the packet', (p: Uint8Array) => p.fill(18, 25, 26)],
  ])('%s is malformed', (_, spoil) => {
    expect(decoded(ethernet(etherTypes.ipv4, spoil(datagram.slice())))).toMatchObject({ outcome: Decoded.malformed });
  });
});

describe('IPv6', () => {
  const segment = tcp({ sourcePort: 443, destinationPort: 50_000, sequence: 0xfffffff0, acknowledgement: 7, flags: 0x12 }, payload);

  test('fields', () => {
    expect(decoded(ethernet(etherTypes.ipv6, ipv6({ ...six, next: protocols.tcp, hopLimit: 5 }, segment)))).toMatchObject({
      outcome: Decoded.ip,
      from: '2001:db8::7 443',
      to: '2001:db8:1::11 50000',
      payload: [...payload],
      headers: { family: 6, protocol: 6, ttl: 5, ipLength: 69, tcpSequence: 0xfffffff0, tcpAcknowledgement: 7, tcpFlags: 0x12 },
    });
  });

  test.each([
    ['hop by hop', 0],
    ['routing', 43],
    ['destination options', 60],
  ])('%s is passed', (_, next) => {
    const packet = ipv6({ ...six, next }, ipv6Extension(60, 2, ipv6Extension(protocols.tcp, 1, segment)));
    expect(decoded(packet, 101)).toMatchObject({
      outcome: Decoded.ip,
      from: '2001:db8::7 443',
      payload: [...payload],
      headers: { protocol: 6 },
    });
  });

  test('authentication counts in fours', () => {
    const packet = ipv6({ ...six, next: 51 }, joined([protocols.tcp, 4], new Uint8Array(22), segment));
    expect(decoded(packet, 101)).toMatchObject({ outcome: Decoded.ip, from: '2001:db8::7 443', payload: [...payload] });
  });

  test('fragments: the first has ports, the others only identification and offset', () => {
    const fragment = (fragmentOffset: number, moreFragments: boolean, body: Uint8Array) =>
      ipv6({ ...six, next: 44 }, ipv6Fragment({ next: 17, id: 0xdeadbeef, fragmentOffset, moreFragments }, body));
    expect(decoded(fragment(0, true, udp(5, 53, payload, 3000)), 101)).toMatchObject({
      outcome: Decoded.ip,
      from: '2001:db8::7 5',
      payload: [...payload],
      headers: { ipId: 0xdeadbeef, moreFragments: true, fragmentOffset: 0, protocol: 17 },
    });
    expect(decoded(fragment(1448, false, payload), 101)).toMatchObject({
      outcome: Decoded.ip,
      from: '2001:db8::7 0',
      payload: [...payload],
      headers: { ipId: 0xdeadbeef, moreFragments: false, fragmentOffset: 1448, protocol: 17 },
    });
  });

  test('no next header is a packet without payload; a merged frame without a length has that of the frame', () => {
    expect(decoded(ipv6({ ...six, next: 59 }, []), 101)).toMatchObject({
      outcome: Decoded.ip,
      headers: { payloadLength: 0, ipLength: 40 },
    });
    expect(decoded(ipv6({ ...six, next: 6, payloadLength: 0 }, segment), 101)).toMatchObject({
      outcome: Decoded.ip,
      payload: [...payload],
    });
  });

  test('an extension header that leads beyond the packet is malformed', () => {
    expect(decoded(ipv6({ ...six, next: 0 }, [6, 200, 0, 0, 0, 0, 0, 0]), 101).outcome).toBe(Decoded.malformed);
    expect(decoded(ipv6({ ...six, next: 0 }, [6, 0]), 101).outcome).toBe(Decoded.malformed);
  });
});

describe('transport', () => {
  test('TCP options are passed, and a header that lies is malformed', () => {
    const of = { sourcePort: 1, destinationPort: 2, flags: 0xc2 };
    const packet = (segment: Uint8Array) => ipv4({ ...four, protocol: 6 }, segment);
    expect(decoded(packet(tcp({ ...of, options: [2, 4, 5, 0xb4] }, payload)), 101)).toMatchObject({
      payload: [...payload],
      headers: { tcpFlags: 0xc2 },
    });
    expect(decoded(packet(tcp(of, payload).fill(0x40, 12, 13)), 101).outcome).toBe(Decoded.malformed);
    expect(decoded(packet(tcp(of).fill(0xf0, 12, 13)), 101).outcome).toBe(Decoded.malformed);
    expect(decoded(packet(tcp(of).subarray(0, 12)), 101)).toMatchObject({ outcome: Decoded.malformed, from: '203.0.113.7 1' });
  });

  test('ICMP has type and code', () => {
    const echo = ipv4({ ...four, protocol: protocols.icmp }, icmp(8, 0, payload));
    expect(decoded(echo, 101)).toMatchObject({
      outcome: Decoded.ip,
      payload: [...payload],
      headers: { icmpType: 8, icmpCode: 0, sourcePort: 0 },
    });
  });

  test('other protocols are payload as a whole', () => {
    expect(decoded(ipv4({ ...four, protocol: 47 }, payload), 101)).toMatchObject({
      outcome: Decoded.ip,
      payload: [...payload],
      headers: { protocol: 47 },
    });
  });
});

describe('cut captures', () => {
  const frame = ethernet(
    etherTypes.ipv4,
    ipv4({ ...four, protocol: 6 }, tcp({ sourcePort: 80, destinationPort: 99, sequence: 5 }, payload)),
  );

  test.each([
    [0, Decoded.cut, '0.0.0.0 0', 0],
    [33, Decoded.cut, '0.0.0.0 0', 0],
    [34, Decoded.cut, '203.0.113.7 0', 0],
    [38, Decoded.cut, '203.0.113.7 80', 0],
    [42, Decoded.cut, '203.0.113.7 80', 5],
    [54, Decoded.ip, '203.0.113.7 80', 5],
    [60, Decoded.ip, '203.0.113.7 80', 5],
  ])('of %i bytes, what is there is kept', (length, outcome, from, tcpSequence) => {
    const told = decoded(frame.subarray(0, length));
    expect(told).toMatchObject({ outcome, from, headers: { tcpSequence } });
    if (outcome === Decoded.ip)
      expect(told).toMatchObject({ headers: { payloadLength: 9 }, payload: [...payload.subarray(0, length - 54)] });
  });

  test('options that were cut take nothing from the rest', () => {
    const segment = tcp({ sourcePort: 80, destinationPort: 99, flags: 2, options: Array<number>(20).fill(1) }, payload);
    const cut = ipv4({ ...four, protocol: 6 }, segment).subarray(0, 44);
    expect(decoded(cut, 101)).toMatchObject({ outcome: Decoded.ip, payload: [], headers: { tcpFlags: 2, payloadLength: 9 } });
  });
});

test('headers are as new for each frame', () => {
  const headers = new Headers();
  const full = ethernet(
    etherTypes.ipv6,
    ipv6({ ...six, next: 6 }, tcp({ sourcePort: 1, destinationPort: 2, sequence: 3, acknowledgement: 4 })),
    [5],
  );
  const icmpFrame = cooked2(
    etherTypes.ipv4,
    ipv4({ ...four, protocol: 1, fragmentOffset: 0, moreFragments: true }, icmp(3, 4, payload)),
    4,
    9,
  );
  decode(icmpFrame, 0, icmpFrame.length, linkType.cooked2, headers);
  decode(full, 0, full.length, linkType.ethernet, headers);
  decode(full, 0, 3, linkType.ethernet, headers);
  expect(headers).toEqual(new Headers());
});
