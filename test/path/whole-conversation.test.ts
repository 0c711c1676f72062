import { describe, expect, test } from 'vitest';
import type { Walk } from '../../src/types.js';
import { articleCase, type Change, client } from '../kit/article.js';
import { addHost, addRoute, setForwarding, setIptables } from '../kit/change.js';
import { makeHost } from '../kit/host.js';

function walkOf(id: string, change: Change | readonly Change[]): Walk {
  const walk = articleCase({ change }).walks.find(({ service }) => service.id === id);
  if (!walk) throw new Error(`no walk of ${id}`);
  return walk;
}

const http = 'http:80/#web';

describe('connection tracking knows the packets behind the first of a TCP connection', () => {
  test('a firewall that drops them at nginx breaks the path', () => {
    const { end, steps } = walkOf(
      http,
      setIptables('proxy', 'filter', ['-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate ESTABLISHED -j DROP']),
    );
    expect(end).toBe('broken');
    expect(steps.at(-1)).toMatchObject({
      host: 'proxy',
      leg: 'request',
      place: 'input',
      code: 'firewall-dropped',
      packet: { tcpFlags: 16 },
    });
  });

  test('so does one on the upstream', () => {
    const { end, steps } = walkOf(http, setIptables('dev1', 'filter', ['-A INPUT -m conntrack --ctstate ESTABLISHED -j DROP']));
    expect(end).toBe('broken');
    expect(steps.at(-1)).toMatchObject({ host: 'dev1', leg: 'forward', place: 'input', code: 'firewall-dropped' });
  });

  test('one datagram is a whole request', () => {
    const change = setIptables('dev1', 'filter', ['-A INPUT -m conntrack --ctstate ESTABLISHED -j DROP']);
    expect(walkOf('udp:5300', change).end).toBe('whole');
  });
});

describe("nginx's answer to the client", () => {
  test('passes the hooks on its way out', () => {
    const { end, steps } = walkOf('udp:5300', setIptables('proxy', 'filter', ['-A OUTPUT -o eth0 -p udp -m udp --sport 5300 -j DROP']));
    expect(end).toBe('broken');
    expect(steps.at(-1)).toMatchObject({ host: 'proxy', leg: 'answer', place: 'output', code: 'firewall-dropped', out: 'eth0' });
  });
});

describe('the request', () => {
  test("starts at the client's own routes", () => {
    const { end, steps } = walkOf(http, addRoute('client', { to: '192.168.99.10/32', type: 'unreachable' }));
    expect(end).toBe('broken');
    expect(steps.at(-1)).toMatchObject({ host: 'client', leg: 'request', code: 'no-route' });
  });

  test('passes the firewall of a router that was named', () => {
    const far = addHost(makeHost({ name: 'far', links: { eth0: ['10.0.0.5/24'] }, gateways: ['10.0.0.1'] }));
    const router = addHost(makeHost({ name: 'router', links: { eth0: ['10.0.0.1/24'], eth1: ['192.168.99.1/24'] } }));
    const back = addRoute('proxy', { to: '10.0.0.0/24', nextHops: [{ via: '192.168.99.1', link: 'eth0' }] });
    const way = [far, router, setForwarding('router', 1), back];
    const options = { clients: ['10.0.0.5'] };
    const ends = (change: readonly Change[]) =>
      articleCase({ change, ...options })
        .walks.filter(({ service, client: asked }) => service.id === http && asked === '10.0.0.5')
        .map(({ end, steps }) => `${end} ${steps.at(-1)?.host} ${steps.at(-1)?.leg}`);
    expect(ends(way)).toEqual(Array(4).fill('whole proxy reply'));
    const drops = setIptables('router', 'filter', ['-A FORWARD -p tcp -m tcp --dport 80 -j DROP']);
    expect(ends([...way, drops])).toEqual(Array(4).fill('broken router request'));
    const dropsAnswers = setIptables('router', 'filter', ['-A FORWARD -p tcp -m tcp --sport 80 -j DROP']);
    expect(ends([...way, dropsAnswers])).toEqual(Array(4).fill('broken router answer'));
  });
});

test('the output hook knows the link that the first routing decision chose', () => {
  const drops = (link: string) =>
    walkOf('udp:5300', setIptables('dev1', 'filter', [`-A OUTPUT -o ${link} -p udp -m udp --sport 5300 -d ${client}/32 -j DROP`]));
  expect(drops('eth0').steps.at(-1)).toMatchObject({ host: 'dev1', leg: 'reply', place: 'output', code: 'firewall-dropped' });
  expect(drops('eth7').end).toBe('whole');
});

test('a router that has seen the client ask knows the answer of Direct Server Return for one to it', () => {
  const change = [
    addHost(makeHost({ name: 'far', links: { eth0: ['10.0.0.5/24'] }, gateways: ['10.0.0.1'] })),
    addHost(makeHost({ name: 'router', links: { eth0: ['10.0.0.1/24'], eth1: ['192.168.99.1/24'] } })),
    setForwarding('router', 1),
    addRoute('proxy', { to: '10.0.0.0/24', nextHops: [{ via: '192.168.99.1', link: 'eth0' }] }),
  ];
  const ends = (drops: string) =>
    new Set(
      articleCase({ change: [...change, setIptables('router', 'filter', [drops])], clients: ['10.0.0.5'] })
        .walks.filter(({ service, client: asked }) => service.id === 'udp:53' && asked === '10.0.0.5')
        .map(({ end, steps }) => `${end} ${steps.at(-1)?.host} ${steps.at(-1)?.leg}`),
    );
  expect(ends('-A FORWARD -i eth1 -m conntrack --ctstate NEW -j DROP')).toEqual(new Set(['whole far reply']));
  expect(ends('-A FORWARD -i eth1 -m conntrack --ctstate ESTABLISHED -j DROP')).toEqual(new Set(['broken router reply']));
});
