import { describe, expect, it } from 'vitest';
import { type Expectation, judge } from '../../src/journeys/judge.js';
import { Kind } from '../../src/journeys/marks.js';
import type { Sighting } from '../../src/journeys/sighting.js';

const [service, upstream] = [1, 2];
const places = { request: service, answer: service, forward: upstream, reply: upstream } as const;

/** Where a packet of a leg was seen: `client out`, `proxy in`. */
function seen(leg: keyof typeof places, where: string, kind: Kind, more: Partial<Sighting> = {}): Sighting {
  const [host = '', dir] = where.split(' ');
  const isInside = leg === 'forward' || leg === 'reply';
  return {
    mark: 0,
    point: 0,
    host,
    iface: host === 'proxy' && isInside ? 'eth1' : 'eth0',
    dir: dir === 'out' ? 'out' : 'in',
    kind,
    leg,
    endpoint: places[leg],
    other: 0,
    hops: 64,
    detail: 0,
    port: 40000,
    times: 1,
    after: 0,
    ...more,
  };
}

const proxied: Expectation = { answersTo: 'nginx', proxy: 'proxy' };
const direct: Expectation = { answersTo: 'client', proxy: 'proxy' };

const connected = [
  seen('request', 'client out', Kind.syn),
  seen('request', 'proxy in', Kind.syn),
  seen('answer', 'proxy out', Kind.synAck),
  seen('answer', 'client in', Kind.synAck),
  seen('request', 'client out', Kind.dataTo),
  seen('request', 'proxy in', Kind.dataTo),
];
const asked = [seen('request', 'client out', Kind.datagramTo), seen('request', 'proxy in', Kind.datagramTo)];
const passedOn = [...asked, seen('forward', 'proxy out', Kind.datagramTo), seen('forward', 'dev1 in', Kind.datagramTo)];

describe('how a transaction ended', () => {
  it('is delivered when the reply comes back from the address that was asked', () => {
    const back = [seen('reply', 'dev1 out', Kind.datagramFrom), seen('answer', 'client in', Kind.datagramFrom)];
    expect(judge([...passedOn, ...back], direct)).toEqual({ end: 'delivered' });
  });

  it('is delivered when nginx asked under an address that is not the client’s', () => {
    const masked = seen('forward', 'proxy out', Kind.syn, { other: 7 });
    const answered = [seen('answer', 'proxy out', Kind.dataFrom), seen('answer', 'client in', Kind.dataFrom)];
    expect(judge([...connected, masked, ...answered], proxied)).toEqual({ end: 'delivered' });
  });

  it('is misdelivered when the client gets a part of the reply under the upstream’s address, which it cannot put together', () => {
    const back = [seen('reply', 'dev1 out', Kind.datagramFrom), seen('answer', 'client in', Kind.datagramFrom)];
    const torn = seen('reply', 'client in', Kind.fragmentFrom);
    expect(judge([...passedOn, ...back, torn], direct)).toEqual({ end: 'misdelivered', last: torn });
    expect(judge([...passedOn, ...back, seen('answer', 'client in', Kind.fragmentFrom)], direct)).toEqual({ end: 'delivered' });
    const atProxy = seen('reply', 'proxy out', Kind.fragmentFrom, { iface: 'eth0' });
    const onWay = [seen('reply', 'proxy in', Kind.fragmentFrom), seen('answer', 'proxy out', Kind.datagramFrom)];
    expect(judge([...passedOn.slice(1), ...onWay, atProxy], direct)).toEqual({ end: 'misdelivered', last: atProxy });
    expect(judge([...passedOn.slice(1), ...onWay], direct)).toEqual({ end: 'delivered' });
  });

  it('is misdelivered when the client gets the reply under the upstream’s address', () => {
    const astray = seen('reply', 'client in', Kind.datagramFrom);
    expect(judge([...passedOn, astray], direct)).toEqual({ end: 'misdelivered', last: astray });
  });

  it('is misdelivered when nginx’s host passes on the SYN-ACK that was nginx’s own', () => {
    const astray = seen('reply', 'proxy out', Kind.synAck);
    const behind = [seen('forward', 'proxy out', Kind.syn), seen('reply', 'proxy in', Kind.synAck), astray];
    expect(judge([...connected, ...behind], proxied)).toEqual({ end: 'misdelivered', last: astray });
  });

  it('is refused by an ICMP error, whatever nginx then tells the client', () => {
    const rejected = seen('forward', 'dev1 out', Kind.errorAboutTo, { other: 9 });
    const failed = seen('answer', 'client in', Kind.failureFrom);
    const { end, last } = judge([...connected, seen('forward', 'proxy out', Kind.syn), rejected, failed], proxied);
    expect({ end, last }).toEqual({ end: 'refused', last: rejected });
  });

  it('vanishes where the last packet was seen', () => {
    const last = seen('reply', 'proxy in', Kind.datagramFrom);
    const found = judge([...passedOn, seen('reply', 'dev1 out', Kind.datagramFrom), last], direct);
    expect(found).toEqual({ end: 'vanished', vanishedAfter: { host: 'proxy', iface: 'eth1' }, last });
  });

  it('stays open while an upstream has the request and may be slow', () => {
    const behind = [seen('forward', 'proxy out', Kind.dataTo), seen('forward', 'dev1 in', Kind.dataTo)];
    expect(judge([...connected, ...behind], proxied)).toEqual({ end: 'ambiguous' });
  });

  it('is not told from replies alone', () => {
    expect(judge([seen('answer', 'client in', Kind.datagramFrom)], direct)).toEqual({ end: 'ambiguous' });
  });

  it('is delivered for one-way traffic once an upstream’s host has it, not before', () => {
    const nobody: Expectation = { answersTo: 'nobody', proxy: 'proxy' };
    expect(judge(passedOn, nobody).end).toBe('delivered');
    expect(judge(passedOn.slice(0, 3), nobody).end).toBe('vanished');
  });
});
