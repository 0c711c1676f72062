import { expect, test } from 'vitest';
import type { Socket } from '../../src/types.js';
import { articleCase, type Change, client, client6 } from '../kit/article.js';
import { addAddress, addRoute, changeFact, dropRoute, removeHost } from '../kit/change.js';
import { defaultRoute } from '../kit/host.js';
import { examineArticle, expectHealthy } from '../kit/rules.js';

const clientsOf = (change: Change | readonly Change[] = [], clients: readonly string[] = []) => articleCase({ change, clients }).clients;
const alone = removeHost('client');
const logged = (...addresses: readonly string[]) =>
  changeFact('proxy', 'nginxClients', () => addresses.map((address) => ({ address, log: '/var/log/nginx/access.log' })));
const connected = (...peers: readonly string[]) =>
  changeFact('proxy', 'sockets', (sockets) => [
    ...sockets,
    ...peers.map(
      (peerAddress): Socket => ({
        protocol: 'tcp',
        state: 'ESTAB',
        localAddress: '192.168.99.10',
        localPort: 80,
        peerAddress,
        peerPort: 50_000,
      }),
    ),
  ]);

test('the addresses of a client host are the clients', () => {
  expect(clientsOf().toSorted()).toEqual([client, client6].toSorted());
});

test('named clients replace those that were found', () => {
  expect(clientsOf([], ['192.168.99.7', 'fd00:99::7'])).toEqual(['192.168.99.7', 'fd00:99::7']);
});

test('a named prefix is judged by its first and its last host', () => {
  expect(clientsOf([], ['198.18.0.0/24', 'fd00:99::7'])).toEqual(['198.18.0.1', '198.18.0.254', 'fd00:99::7']);
});

test('a prefix of one address is that address', () => {
  expect(clientsOf([], ['198.18.0.9/32', 'fd00:99::7'])).toContain('198.18.0.9');
});

test.each(['198.18.0.8/31', 'fd00:77::8/127'])('both addresses of %s are usable', (prefix) => {
  const first = prefix.split('/')[0] ?? '';
  expect(clientsOf([], [prefix]).slice(0, 2)).toEqual([first, first.replace(/8$/, '9')]);
});

test('clients of logs and sockets serve where no client host was named', () => {
  expect(clientsOf([alone, logged('198.18.0.5'), connected('198.18.0.6')])).toEqual(expect.arrayContaining(['198.18.0.5', '198.18.0.6']));
});

test('loopback and the addresses of the proxy are no clients', () => {
  const found = clientsOf([alone, logged('127.0.0.1', '192.168.99.10', '::1'), connected('172.16.0.1')]);
  expect(found).not.toEqual(expect.arrayContaining(['127.0.0.1']));
  expect(found.filter((address) => ['127.0.0.1', '192.168.99.10', '::1', '172.16.0.1'].includes(address))).toEqual([]);
});

test('what a log names that is no address is left out', () => {
  expect(clientsOf([alone, logged('unix:', 'evil"name', '999.1.1.1')]).every((address) => /^[0-9a-f.:]+$/.test(address))).toBe(true);
});

const outward = [addRoute('proxy', defaultRoute('192.168.99.1', 'eth0')), addRoute('proxy', defaultRoute('fd00:99::1', 'eth0'))];

test('with none at all a documentation address of each family stands in, and what cannot be judged is listed', () => {
  expect(clientsOf([alone, ...outward])).toEqual(['203.0.113.7', '2001:db8::7']);
  const report = examineArticle([alone, ...outward]);
  expect(report.verdict).toBe('healthy');
  expect(report.notExamined.some(({ why }) => why.includes('203.0.113.7'))).toBe(true);
});

test('a proxy without a way out has its clients beside it, away from the upstreams', () => {
  expect(clientsOf(alone)).toEqual(['192.168.99.1', 'fd00:99::1']);
  const narrow = [
    dropRoute('dev2', '0.0.0.0/0'),
    addRoute('dev2', { to: '192.168.99.0/24', nextHops: [{ link: 'eth0', via: '172.16.0.1' }] }),
  ];
  expectHealthy([alone, ...narrow]);
});

test('a stand-in never lies in a subnet that an upstream is connected to', () => {
  expect(clientsOf([alone, addAddress('dev1', 'eth0', '192.168.99.61/24')])[0]).toBe('203.0.113.7');
});

test('a documentation address that some host is connected to is passed over', () => {
  expect(clientsOf([alone, ...outward, addAddress('dev1', 'eth0', '203.0.113.1/24')])[0]).toBe('198.51.100.7');
});

test("a client inside an upstream's own subnet is judged before the sixteen that fit", () => {
  const many = Array.from({ length: 40 }, (_, index) => `198.18.1.${index + 1}`);
  const found = clientsOf([alone, connected('172.16.0.9'), logged(...many)]);
  expect(found[0]).toBe('172.16.0.9');
  expect(found.filter((address) => !address.includes(':')).length).toBeLessThanOrEqual(16);
});

test("a log's client inside an upstream's own subnet is not judged while nothing ties it to a transparent service", () => {
  expect(clientsOf([alone, logged('172.16.0.9')])).not.toContain('172.16.0.9');
});
