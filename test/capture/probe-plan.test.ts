import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { payloadOf, placeOf } from '../../src/capture/probe/payload.js';
import { mostRequests } from '../../src/capture/probe/plan.js';
import { planProbe } from '../../src/capture/probe.js';
import { DnsQuestion, readDnsQuestion } from '../../src/packets/dns.js';
import { articleCase, type Change, client, client6, vip } from '../kit/article.js';
import { addAddress, editConfig, removeHost } from '../kit/change.js';

const options = { run: 'beef' };
const plansOf = (change: Change | Change[] = [], more: { here?: string } = {}) =>
  planProbe(articleCase({ change }), { ...options, ...more });
const textOf = (payload: Uint8Array | undefined) => new TextDecoder().decode(payload);

describe('a plan', () => {
  test('asks every service from the client host, often enough to meet each of four upstreams twice', () => {
    const { plans, left } = plansOf();
    expect(plans.map(({ service, host, source, speaks, destination, port }) => [service, host, source, speaks, destination, port])).toEqual(
      [
        ['http:80/#web', 'client', client, 'http', vip, 80],
        ['http:80/#web6', 'client', client6, 'http', 'fd00:99::10', 80],
        ['udp:53', 'client', client, 'dns', vip, 53],
        ['udp:5300', 'client', client, 'dns', vip, 5300],
      ],
    );
    expect(plans.every(({ requests }) => requests.length >= 8)).toBe(true);
    expect(left).toEqual([]);
  });

  test('of one service asks three times for each upstream', () => {
    const c = articleCase({ to: { address: vip, port: 53, protocol: 'udp' } });
    expect(planProbe(c, options).plans.map(({ requests }) => requests.length)).toEqual([12]);
  });

  test('has no two requests with the same mark, all with that of the run, and forty at most, however many services there are', () => {
    const many = Array.from({ length: 60 }, (_, i) => `location /s${i}/ { proxy_bind $remote_addr transparent; proxy_pass http://web; }`);
    for (const change of [[], [editConfig('location / {', `${many.join('\n')}\n location / {`)]]) {
      const { plans, left } = plansOf(change);
      const requests = plans.flatMap((plan) => plan.requests);
      expect(requests.length).toBeLessThanOrEqual(mostRequests);
      expect(new Set(requests.map(({ mark }) => mark)).size).toBe(requests.length);
      expect(requests.every(({ mark }) => /^beef[\da-f]{4}$/.test(mark))).toBe(true);
      expect(left.length > 0).toBe(change.length > 0);
    }
  });

  test('asks once for each family from a client host with several addresses', () => {
    const { plans } = plansOf(addAddress('client', 'eth0', '192.168.99.51/24'));
    expect(plans.filter(({ service }) => service === 'udp:53')).toHaveLength(1);
  });

  test('asks from where tpdoctor runs when no host is a client', () => {
    const { plans, left } = plansOf(removeHost('client'));
    expect(plans.length).toBeGreaterThan(0);
    expect(plans.every(({ host, source }) => host === undefined && source === undefined)).toBe(true);
    expect(left).toEqual([]);
  });

  test.each(['proxy', 'dev1'])('asks nothing from %s itself and says why, as its own requests take another way', (here) => {
    const { plans, left } = plansOf(removeHost('client'), { here });
    expect(plans).toEqual([]);
    expect(left.map(({ what }) => what)).toContain('probe of udp:53');
    expect(left[0]?.why).toMatch(/client/);
  });

  test('asks from a client host although tpdoctor runs on the proxy', () => {
    expect(plansOf([], { here: 'proxy' })).toEqual(plansOf());
  });

  test('leaves out a location for which no path can be made up', () => {
    const { plans, left } = plansOf(editConfig('location / {', 'location ~ [.]php$ {'));
    expect(plans.map(({ service }) => service)).not.toContainEqual(expect.stringMatching(/php/));
    expect(left.map(({ what }) => what)).toEqual(['probe of http:80~[.]php$#web', 'probe of http:80~[.]php$#web6']);
  });

  test('speaks no DNS on another port, unless an upstream does', () => {
    const at = (from: number, to: number): Change => editConfig(`listen ${from} udp`, `listen ${to} udp`);
    const speech = (change: Change[]) => new Map(plansOf(change).plans.map(({ service, speaks }) => [service, speaks]));
    expect(speech([at(53, 514)]).get('udp:514')).toBe('dns');
    expect(speech([at(5300, 514), editConfig(':5300;', ':5301;')]).get('udp:514')).toBe('udp');
  });
});

describe('the payload', () => {
  const addressed = { vip, zone: 'tpdoctor.invalid', service: 'http:80/' };

  test('of DNS is a question for a name that begins with the mark, each with an id of its own', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\da-f]{8}$/), (mark) => {
        const payload = payloadOf('dns', mark, addressed);
        const question = new DnsQuestion();
        expect(readDnsQuestion(payload, 0, payload.length, question)).toBe(true);
        expect(question).toMatchObject({ isResponse: false, responseCode: 0 });
        expect(textOf(payload.subarray(12))).toBe(`\x08${mark}\x08tpdoctor\x07invalid\0\0\x01\0\x01`);
      }),
    );
    const { plans } = plansOf();
    const ids = plans
      .filter(({ speaks }) => speaks === 'dns')
      .flatMap(({ requests }) => requests.map(({ payload }) => `${payload[0]} ${payload[1]}`));
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('of http has the mark in its path and its user agent, and asks for a connection of its own', () => {
    expect(textOf(payloadOf('http', 'beef0001', addressed))).toBe(
      [
        'GET /tpdoctor-probe-beef0001 HTTP/1.1',
        `Host: ${vip}`,
        'User-Agent: tpdoctor-probe-beef0001',
        'Accept: */*',
        'Connection: close',
        '',
        '',
      ].join('\r\n'),
    );
    expect(textOf(payloadOf('http', 'beef0001', { ...addressed, vip: 'fd00:99::10' }))).toContain('Host: [fd00:99::10]\r\n');
  });

  test.each([
    ['http:80/', { path: '/' }],
    ['http:80/api/', { path: '/api/' }],
    ['proxy/http:80/api', { path: '/api' }],
    ['http:8080=/health', { path: '/health' }],
    ['http:80/#www.example.com', { path: '/', server: 'www.example.com' }],
    ['http:80/#2', { path: '/' }],
    ['http:80/#web', { path: '/' }],
    ['http:80', { path: '/' }],
    ['http:80~[.]php$', undefined],
    ['http:80@fallback', undefined],
    ['http:80/a b\r\nX: y', undefined],
  ])('of %s asks where nginx finds the service', (service, place) => {
    expect(placeOf(service)).toEqual(place);
  });

  test('of a location without a slash at its end keeps its path', () => {
    expect(textOf(payloadOf('http', 'beef0001', { ...addressed, service: 'http:80=/health' }))).toMatch(
      /^GET \/health\?tpdoctor-probe-beef0001 HTTP/,
    );
  });

  test('of TCP and UDP is a text with the mark', () => {
    expect(textOf(payloadOf('udp', 'beef0001', addressed))).toBe('tpdoctor probe beef0001');
    expect(textOf(payloadOf('tcp', 'beef0001', addressed))).toBe('tpdoctor probe beef0001\r\n');
  });
});
