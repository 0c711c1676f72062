import { describe, expect, it } from 'vitest';
import { PayloadEraser } from '../../src/bundle/redact/capture.js';
import { Feed } from '../../src/journeys/feed.js';
import { type CapturedFrame, pcapFile } from '../kit/captures.js';
import { cooked, dns, ethernet, etherTypes, icmp, ipv4, ipv6, joined, tcp, udp } from '../kit/frames.js';
import { anyFrames, links } from '../packets/any-frames.js';

const four = { source: '203.0.113.7', destination: '172.16.0.11' };
const ports = { sourcePort: 40_000, destinationPort: 80 };
const over4 = (protocol: number, bytes: ArrayLike<number>, more = {}) =>
  ethernet(etherTypes.ipv4, ipv4({ ...four, protocol, ...more }, bytes));
const segment = (text: string) => tcp(ports, Buffer.from(text));
const datagram = (text: string) => udp(40_000, 5300, Buffer.from(text));

function erased(eraser: PayloadEraser, capture: Uint8Array): Uint8Array {
  const copy = capture.slice();
  eraser.stream()(copy);
  return copy;
}

/** Everything that joining may know of the packets of a capture. */
function told(capture: Uint8Array): { headers: string; content: number; status: number; hash: string }[] {
  const all: ReturnType<typeof told> = [];
  const feed = new Feed({ ownMacs: new Set(), clockOffset: 0 }, (packet, _, quoted) => {
    for (const { headers, gist, time } of quoted ? [packet, quoted] : [packet])
      all.push({ headers: JSON.stringify([headers, time]), content: gist.content, status: gist.status, hash: `${gist.high} ${gist.low}` });
  });
  feed.push(capture);
  expect(feed.end().ok).toBe(true);
  return all;
}

/** Which of them have the same hash, by the first that has it. */
const alike = (packets: ReturnType<typeof told>): number[] => packets.map(({ hash }) => packets.findIndex((other) => other.hash === hash));

function expectAsBefore(capture: Uint8Array): void {
  const after = erased(new PayloadEraser(), capture);
  expect(after.length).toBe(capture.length);
  const [before, now] = [told(capture), told(after)];
  const rest = (packets: typeof before) => packets.map(({ headers, content, status }) => ({ headers, content, status }));
  expect(rest(now)).toEqual(rest(before));
  expect(alike(now)).toEqual(alike(before));
}

const secret = 'hunter2-Xy7qPl0';
const messages = {
  'an HTTP request': over4(
    6,
    segment(`GET /?token=${secret} HTTP/1.1\r\nHost: a\r\nCookie: s=${secret}\r\nAuthorization: Bearer ${secret}\r\n\r\n`),
  ),
  'a path of an HTTP request': over4(6, segment(`POST /reset/${secret} HTTP/1.0\r\n\r\n{"password":"${secret}"}`)),
  'an HTTP request that the capture cuts': over4(6, segment(`GET /a/b/c?q=${secret}`)),
  'an HTTP response': over4(6, segment(`HTTP/1.1 502 Bad Gateway\r\nSet-Cookie: s=${secret}\r\n\r\n<p>${secret}`)),
  'what follows in another segment': over4(6, segment(`ization: Basic ${secret}\r\n\r\n`)),
  'another protocol': over4(6, segment(`PASS ${secret}\r\n`)),
  'a datagram': over4(17, datagram(`community=${secret}`)),
  'a long datagram': over4(17, datagram(`${'a'.repeat(300)}${secret}`)),
  'a DNS answer': over4(17, udp(53, 40_000, dns({ id: 7, name: 'www.example.org', response: true }, Buffer.from(`\0\x10${secret}`)))),
  'a fragment': over4(17, Buffer.from(secret), { fragmentOffset: 1480 }),
  'a first fragment': over4(17, udp(40_000, 5300, Buffer.from(secret), 3000), { moreFragments: true }),
  'another transport': over4(132, Buffer.from(secret)),
  'a ping': over4(1, icmp(8, 0, Buffer.from(secret))),
  'an error that quotes': over4(1, icmp(3, 3, ipv4({ ...four, protocol: 17 }, datagram(secret)))),
  'an error over IPv6 that quotes': ethernet(
    etherTypes.ipv6,
    ipv6(
      { source: '2001:db8::1', destination: '2001:db8::2', next: 58 },
      icmp(1, 4, ipv6({ source: '::1', destination: '::2', next: 6 }, segment(secret))),
    ),
  ),
  'the padding of a frame': joined(over4(6, tcp(ports)), Buffer.from(secret)),
  'what is no IP': ethernet(0x8863, joined(new Uint8Array(50), Buffer.from(secret))),
  'what is malformed': ethernet(etherTypes.ipv4, joined([0x4f, 0, 0, 30], new Uint8Array(20), Buffer.from(secret))),
};

describe('of the payload in captures', () => {
  it.each(Object.entries(messages))('%s loses its secret', (_, bytes) => {
    const capture = pcapFile([{ bytes }]);
    expect(Buffer.from(capture).includes(secret)).toBe(true);
    const after = Buffer.from(erased(new PayloadEraser(), capture));
    for (let from = 0; from + 6 <= secret.length; from++) expect(after.includes(secret.slice(from, from + 6))).toBe(false);
  });

  it('what tells transactions apart still does, and what is alike still is', () => {
    const twice = Object.values(messages).flatMap((bytes) => [{ bytes }, { bytes }, { bytes: joined(bytes, [0]) }]);
    expectAsBefore(pcapFile(twice.filter(({ bytes }) => !Buffer.from(bytes).includes('\x88\x63'))));
  });

  it('the same holds for frames of every kind, cut ones included', () => {
    for (const [seed, linkType] of links.entries()) {
      const frames = anyFrames(seed + 1, 400, () => linkType);
      const asked = frames.map((frame, n): CapturedFrame => (n % 3 === 0 ? { ...frame, bytes: requestOver(linkType, n) } : frame));
      expectAsBefore(pcapFile([...asked, ...frames.slice(0, 100)], { linkType }));
    }
  });

  it('is erased alike in all captures that one eraser goes over, and by another one differently', () => {
    const [client, upstream] = [
      pcapFile([{ bytes: messages['a datagram'] }]),
      pcapFile([{ bytes: messages['a datagram'] }, { bytes: messages['a ping'] }]),
    ];
    const eraser = new PayloadEraser();
    const hashes = [erased(eraser, client), erased(eraser, upstream), erased(new PayloadEraser(), client)].map(
      (capture) => told(capture)[0]?.hash,
    );
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it('nothing is left of what is no capture', () => {
    const bytes = Buffer.from(`${secret}${'x'.repeat(100)}${secret}`);
    new PayloadEraser().stream()(bytes);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});

function requestOver(linkType: number, n: number): Uint8Array {
  const packet = ipv4({ ...four, protocol: 6 }, segment(`GET /${n % 7}?a=${n % 5} HTTP/1.1\r\nHost: x\r\n\r\n`));
  if (linkType === 113) return cooked(etherTypes.ipv4, packet);
  return linkType === 1 ? ethernet(etherTypes.ipv4, packet) : packet;
}
