import { describe, expect, it } from 'vitest';
import type { TracedService } from '../../src/journeys/services.js';
import { Tracer } from '../../src/journeys/tracer.js';
import { decode } from '../../src/packets/decode.js';
import { readGist } from '../../src/packets/gist.js';
import { Direction } from '../../src/packets/headers.js';
import { Packet } from '../../src/packets/packet.js';
import { ipv4, protocols, tcp } from '../kit/frames.js';

/* HTTP through nginx, seen on its own host: eth0 towards clients, eth1 towards upstreams. */

const [client, second, vip, inner, dev1, dev2] = ['10.0.0.5', '10.0.0.6', '192.0.2.1', '172.16.0.1', '172.16.0.11', '172.16.0.12'];
const [syn, synAck, ack, reset] = [2, 18, 16, 4];
const rawIp = 101;

const web: TracedService = {
  id: 'http:80/',
  host: 'proxy',
  protocol: 'tcp',
  port: 80,
  upstreamPorts: [80],
  upstreams: [dev1, dev2],
  answersTo: 'nginx',
};

interface Conversation {
  tracer: Tracer;
  now: number;
}

function begin(): Conversation {
  const points = ['eth0', 'eth1'].map((iface) => ({ host: 'proxy', iface, ownMacs: new Set<number>(), clockOffset: 0 }));
  return { tracer: new Tracer(points, [web], { capacity: 256 }), now: 1.7e15 };
}

interface Segment {
  from: string;
  to: string;
  flags?: number;
  text?: string;
  sequence?: number;
  acknowledgement?: number;
}

/** One segment, 100 microseconds after the one before. Ends are `address:port`; whose port is 80 is the server. */
function sent(on: Conversation, { from, to, flags = ack, text = '', ...numbers }: Segment, after = 100): void {
  const [[source = '', sourcePort], [destination = '', destinationPort]] = [from, to].map((end) => end.split(':')) as [string[], string[]];
  const bytes = ipv4(
    { source, destination, protocol: protocols.tcp },
    tcp({ sourcePort: Number(sourcePort), destinationPort: Number(destinationPort), flags, ...numbers }, new TextEncoder().encode(text)),
  );
  const packet = new Packet();
  const { headers } = packet;
  decode(bytes, 0, bytes.length, rawIp, headers);
  readGist(bytes, headers, packet.gist);
  const behind = [dev1, dev2].some((address) => source === address || destination === address);
  const isOut = source === vip || (behind && destinationPort === '80');
  headers.direction = isOut ? Direction.out : Direction.in;
  on.now += after;
  packet.time = on.now;
  on.tracer.see(behind ? 1 : 0, packet);
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: www.example.com\r\n\r\n`;
const ok = 'HTTP/1.1 200 OK\r\n\r\n';

/** A connection of a client as far as nginx has its request. */
function asks(on: Conversation, from: string, path: string): void {
  sent(on, { from, to: `${vip}:80`, flags: syn, sequence: 1000 });
  sent(on, { from: `${vip}:80`, to: from, flags: synAck });
  sent(on, { from, to: `${vip}:80`, sequence: 1001, text: get(path) });
}

function reaches(on: Conversation, from: string, server: string, path: string): void {
  sent(on, { from, to: `${server}:80`, flags: syn, sequence: 5000 });
  sent(on, { from: `${server}:80`, to: from, flags: synAck });
  sent(on, { from, to: `${server}:80`, sequence: 5001, text: get(path) });
}

const answers = (on: Conversation, server: string, to: string, text = ok): void => sent(on, { from: `${server}:80`, to, text });

/** What became of what: one line for each way. */
function told({ tracer }: Conversation): string[] {
  const { patterns } = tracer.finish(Number.POSITIVE_INFINITY);
  const { endpoints } = tracer.joiner;
  return patterns.map(({ count, judgement, upstream, sightings }) => {
    const others = new Set(sightings.flatMap(({ other }) => (other === 0 ? [] : endpoints.addressOf(other))));
    const under = others.size > 0 ? ` under ${[...others].join()}` : '';
    return `${count} ${judgement.end} by ${upstream === 0 ? 'nobody' : endpoints.addressOf(upstream)}${under}`;
  });
}

describe('connections of a client and of nginx', () => {
  it('are one transaction', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/a');
    reaches(on, `${client}:5000`, dev1, '/a');
    answers(on, dev1, `${client}:5000`);
    answers(on, vip, `${client}:4000`);
    expect(told(on)).toEqual(['1 delivered by 172.16.0.11']);
  });

  it('belong together by what they ask for, where clients ask at the same time', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/a');
    asks(on, `${client}:4001`, '/b');
    reaches(on, `${client}:5000`, dev2, '/b');
    reaches(on, `${client}:5001`, dev1, '/a');
    answers(on, dev2, `${client}:5000`);
    answers(on, vip, `${client}:4001`);
    sent(on, { from: `${dev1}:80`, to: `${client}:5001`, flags: reset });
    expect(told(on).sort()).toEqual(['1 delivered by 172.16.0.12', '1 refused by 172.16.0.11']);
  });

  it('are found in whatever order two captures hand them over', () => {
    const on = begin();
    on.now += 10_000;
    reaches(on, `${client}:5000`, dev1, '/a');
    answers(on, dev1, `${client}:5000`);
    on.now -= 5000;
    asks(on, `${client}:4000`, '/a');
    on.now += 5000;
    answers(on, vip, `${client}:4000`);
    expect(told(on)).toEqual(['1 delivered by 172.16.0.11']);
  });

  it('are told apart where nginx tries a second upstream: the first did not answer', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/a');
    sent(on, { from: `${client}:5000`, to: `${dev1}:80`, flags: syn, sequence: 1 });
    reaches(on, `${client}:5001`, dev2, '/a');
    answers(on, dev2, `${client}:5001`);
    answers(on, vip, `${client}:4000`);
    expect(told(on).sort()).toEqual(['1 delivered by 172.16.0.12', '1 vanished by 172.16.0.11']);
  });

  it('are told apart where the same is asked again while an upstream is silent, though the second request is handed over late', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/');
    sent(on, { from: `${client}:5000`, to: `${dev1}:80`, flags: syn, sequence: 1 });
    on.now += 500_000;
    reaches(on, `${client}:5001`, dev2, '/');
    answers(on, dev2, `${client}:5001`);
    on.now -= 2000;
    asks(on, `${client}:4001`, '/');
    on.now += 4000;
    answers(on, vip, `${client}:4001`);
    expect(told(on).sort()).toEqual(['1 delivered by 172.16.0.12', '1 vanished by 172.16.0.11']);
  });

  it('under an address that is not the client’s are its all the same, and say so', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/a');
    reaches(on, `${inner}:5000`, dev1, '/a');
    answers(on, dev1, `${inner}:5000`);
    answers(on, vip, `${client}:4000`);
    expect(told(on)).toEqual(['1 delivered by 172.16.0.11 under 172.16.0.1']);
  });

  it('that are kept open carry one transaction for each request', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/a');
    sent(on, { from: `${vip}:80`, to: `${client}:4000`, acknowledgement: 1001 + get('/a').length, text: ok });
    sent(on, { from: `${client}:4000`, to: `${vip}:80`, sequence: 1001 + get('/a').length, text: get('/b') });
    expect(told(on).sort()).toEqual(['1 delivered by nobody', '1 vanished by nobody']);
  });

  it('are not mixed up between clients that ask for the same', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/');
    asks(on, `${second}:4000`, '/');
    reaches(on, `${second}:5000`, dev2, '/');
    reaches(on, `${client}:5000`, dev1, '/');
    answers(on, dev1, `${client}:5000`);
    answers(on, vip, `${client}:4000`);
    sent(on, { from: `${dev2}:80`, to: `${second}:5000`, flags: reset });
    sent(on, { from: `${vip}:80`, to: `${second}:4000`, text: 'HTTP/1.1 502 Bad Gateway\r\n\r\n' });
    expect(told(on).sort()).toEqual(['1 delivered by 172.16.0.11', '1 refused by 172.16.0.12']);
  });

  it('that nginx opens twice for a request, as the first upstream broke it off, are two attempts', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/a');
    reaches(on, `${client}:5000`, dev1, '/a');
    sent(on, { from: `${dev1}:80`, to: `${client}:5000`, flags: reset });
    reaches(on, `${client}:5001`, dev2, '/a');
    answers(on, dev2, `${client}:5001`);
    answers(on, vip, `${client}:4000`);
    expect(told(on).sort()).toEqual(['1 delivered by 172.16.0.12', '1 refused by 172.16.0.11']);
  });

  it('that a client opens in advance and does not use take nothing from the one that asks', () => {
    const on = begin();
    sent(on, { from: `${client}:3999`, to: `${vip}:80`, flags: syn, sequence: 7 });
    sent(on, { from: `${vip}:80`, to: `${client}:3999`, flags: synAck });
    asks(on, `${client}:4000`, '/a');
    reaches(on, `${client}:5000`, dev1, '/a');
    answers(on, dev1, `${client}:5000`);
    answers(on, vip, `${client}:4000`);
    expect(told(on).sort()).toEqual(['1 delivered by 172.16.0.11', '1 delivered by nobody']);
  });

  it('keep each answer with its request, though a capture that lags behind shows it after the next request', () => {
    const on = begin();
    const from = `${client}:4000`;
    asks(on, from, '/a');
    // In one frame at one point, in two at the other.
    const body = 'x'.repeat(5000);
    const end = 1001 + get('/a').length + body.length;
    sent(on, { from, to: `${vip}:80`, sequence: 1001 + get('/a').length, text: body });
    sent(on, { from, to: `${vip}:80`, sequence: end, text: get('/b') });
    sent(on, { from: `${vip}:80`, to: from, acknowledgement: end, text: ok });
    expect(told(on).sort()).toEqual(['1 delivered by nobody', '1 vanished by nobody']);
    const [first] = on.tracer.joiner.slots.opened();
    expect(on.tracer.joiner.slots.answeredAt[first ?? -1]).toBe(on.now);
  });
});

describe('an answer', () => {
  it('that is a failure is one as a whole, however many segments it has', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/a');
    sent(on, { from: `${vip}:80`, to: `${client}:4000`, text: 'HTTP/1.1 502 Bad Gateway\r\n\r\n' });
    sent(on, { from: `${vip}:80`, to: `${client}:4000`, text: '<html>'.repeat(200) });
    expect(told(on)).toEqual(['1 refused by nobody']);
  });

  it('is not what nginx says to go on', () => {
    const on = begin();
    asks(on, `${client}:4000`, '/a');
    sent(on, { from: `${vip}:80`, to: `${client}:4000`, text: 'HTTP/1.1 100 Continue\r\n\r\n' });
    sent(on, { from: `${client}:5000`, to: `${dev1}:80`, flags: syn, sequence: 1 });
    expect(told(on)).toEqual(['1 vanished by 172.16.0.11']);
  });
});
