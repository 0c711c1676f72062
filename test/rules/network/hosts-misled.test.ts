import { describe, expect, test } from 'vitest';
import { articleCase, client } from '../../kit/article.js';
import { addHost, addRoute, setForwarding, setSysctl } from '../../kit/change.js';
import { makeHost } from '../../kit/host.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

/** With strict source validation the request would not even come in. */
const toAnUpstream = [
  addRoute('proxy', { to: `${client}/32`, nextHops: [{ via: '172.16.0.12', link: 'eth1' }] }),
  setSysctl('proxy', 'net/ipv4/conf/all/rp_filter', 0),
  setSysctl('proxy', 'net/ipv4/conf/eth0/rp_filter', 0),
];

test('answers and DSR replies that a route takes to an upstream end there, and the route is what is wrong', () => {
  const found = soleDiagnosis(toAnUpstream);
  expect(found).toMatchObject({ cause: 'network/hosts-unreachable', host: 'proxy', services: ['http:80/#web', 'udp:53', 'udp:5300'] });
  expect(commands(found.fix)).toEqual([`ip route del ${client}/32 via 172.16.0.12 dev eth1`]);
  expect(leftAfterCures(toAnUpstream)).toEqual([]);
});

test('the walk of such an answer ends on the host that it was sent to', () => {
  const walk = articleCase({ change: toAnUpstream }).walks.find(({ service }) => service.id === 'http:80/#web');
  expect(walk?.end).toBe('broken');
  expect(walk?.steps.at(-1)).toMatchObject({ host: 'dev2', leg: 'answer', code: 'not-forwarded', in: 'eth0' });
  expect(walk?.steps).toContainEqual(expect.objectContaining({ host: 'proxy', leg: 'answer', code: 'routed', out: 'eth1' }));
});

test('a gateway that nobody named may pass answers on', () => {
  expectHealthy(addRoute('proxy', { to: `${client}/32`, nextHops: [{ via: '192.168.99.77', link: 'eth0' }] }));
});

test('a client whose own route to nginx refuses it', () => {
  const change = addRoute('client', { to: '192.168.99.10/32', type: 'unreachable' });
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'network/hosts-unreachable', host: 'client', services: ['http:80/#web', 'udp:53', 'udp:5300'] });
  expect(commands(found.fix)).toEqual(['ip route del unreachable 192.168.99.10/32']);
  expect(leftAfterCures(change)).toEqual([]);
});

describe('a router before nginx', () => {
  const options = { clients: ['10.0.0.5'] };
  const setup = [
    addHost(makeHost({ name: 'far', links: { eth0: ['10.0.0.5/24'] }, gateways: ['10.0.0.1'] })),
    addHost(makeHost({ name: 'router', links: { eth0: ['10.0.0.1/24'], eth1: ['192.168.99.1/24'] } })),
    addRoute('proxy', { to: '10.0.0.0/24', nextHops: [{ via: '192.168.99.1', link: 'eth0' }] }),
  ];

  test('that forwards nothing is where the cure is typed', () => {
    const change = [...setup, setForwarding('router', 0)];
    const found = soleDiagnosis(change, options);
    expect(found).toMatchObject({ cause: 'network/hosts-unreachable', host: 'router' });
    expect(commands(found.fix)).toEqual(['sysctl -w net.ipv4.ip_forward=1']);
    expect(leftAfterCures(change, options)).toEqual([]);
  });

  test('that forwards is fine', () => {
    expectHealthy([...setup, setForwarding('router', 1)], options);
  });
});
