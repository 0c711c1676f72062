import { describe, expect, test } from 'vitest';
import { decode, decodeQuoted, isIcmpError } from '../../src/packets/decode.js';
import { Decoded, Headers } from '../../src/packets/headers.js';
import { addressText } from '../../src/packets/text.js';
import { icmp, ipv4, ipv6, protocols, tcp, udp } from '../kit/frames.js';

const raw = 101;
const proxy = '192.168.99.10';
const asked = { source: '203.0.113.7', destination: '172.16.0.11' };
const askedSix = { source: '2001:db8::7', destination: '2001:db8:1::11' };

function quoted(packet: Uint8Array) {
  const [error, inner] = [new Headers(), new Headers()];
  decode(packet, 0, packet.length, raw, error);
  const outcome = decodeQuoted(packet, error, inner);
  const ends = `${addressText(inner.source, inner.family)}:${inner.sourcePort} > ${addressText(inner.destination, inner.family)}:${inner.destinationPort}`;
  return { outcome, inner, ends, isError: isIcmpError(error) };
}

const error = (inner: Uint8Array, type = 3, code = 13) =>
  ipv4({ source: asked.destination, destination: proxy, protocol: protocols.icmp }, icmp(type, code, inner));

describe('the packet that an ICMP error quotes', () => {
  test('of a UDP datagram 8 bytes suffice for the ports', () => {
    const inner = ipv4({ ...asked, protocol: protocols.udp, id: 77 }, udp(40_000, 53, Buffer.from('question'))).subarray(0, 28);
    expect(quoted(error(inner))).toMatchObject({
      outcome: Decoded.ip,
      ends: '203.0.113.7:40000 > 172.16.0.11:53',
      inner: { ipId: 77, payloadLength: 8 },
      isError: true,
    });
  });

  test('of a TCP segment they give ports and sequence', () => {
    const inner = ipv4({ ...asked, protocol: protocols.tcp }, tcp({ sourcePort: 40_000, destinationPort: 80, sequence: 99 })).subarray(
      0,
      28,
    );
    expect(quoted(error(inner))).toMatchObject({
      outcome: Decoded.cut,
      ends: '203.0.113.7:40000 > 172.16.0.11:80',
      inner: { tcpSequence: 99 },
    });
  });

  test('ICMPv6 quotes IPv6', () => {
    const inner = ipv6({ ...askedSix, next: protocols.udp }, udp(1234, 53, [1, 2, 3]));
    const packet = ipv6({ source: '2001:db8:1::11', destination: '2001:db8::7', next: protocols.icmpv6 }, icmp(1, 4, inner));
    expect(quoted(packet)).toMatchObject({ outcome: Decoded.ip, ends: '2001:db8::7:1234 > 2001:db8:1::11:53', isError: true });
  });

  test.each([3, 4, 5, 11, 12])('type %i is an error', (type) => {
    const inner = ipv4({ ...asked, protocol: protocols.udp }, udp(1, 2, []));
    expect(quoted(error(inner, type))).toMatchObject({ outcome: Decoded.ip, isError: true });
  });

  test.each([0, 8, 9, 13])('type %i quotes nothing', (type) => {
    const inner = ipv4({ ...asked, protocol: protocols.udp }, udp(1, 2, []));
    expect(quoted(error(inner, type))).toMatchObject({ outcome: Decoded.notIp, isError: false, inner: { sourcePort: 0 } });
  });

  test('an echo of ICMPv6 and a UDP packet quote nothing', () => {
    expect(quoted(ipv6({ ...askedSix, next: protocols.icmpv6 }, icmp(128, 0, [])))).toMatchObject({
      outcome: Decoded.notIp,
      isError: false,
    });
    expect(quoted(ipv4({ ...asked, protocol: protocols.udp }, udp(1, 2, [])))).toMatchObject({ outcome: Decoded.notIp, isError: false });
  });

  test('an error that quotes nothing, or no packet, says so', () => {
    expect(quoted(error(new Uint8Array(0)))).toMatchObject({ outcome: Decoded.cut });
    expect(quoted(error(new Uint8Array(28).fill(0xff)))).toMatchObject({ outcome: Decoded.malformed });
  });
});
