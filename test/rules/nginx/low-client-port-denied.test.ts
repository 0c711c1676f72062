import { expect, test } from 'vitest';
import type { Socket } from '../../../src/types.js';
import { type Change, client, vip } from '../../kit/article.js';
import { changeFact, changeWorkers, editConfig, setSysctl } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { commands, examineArticle, withoutDsr } from '../../kit/rules.js';

const diagnosed = (change: Change | readonly Change[] = []) =>
  examineArticle(change).diagnoses.filter(({ cause }) => cause === 'nginx/low-client-port-denied');
const denied = logLine('bind', 10, { errno: 13, client, upstream: 'udp://172.16.0.11:53' });
const asking = (localPort: number): Change =>
  changeFact('client', 'sockets', (sockets): Socket[] => [
    ...sockets,
    { protocol: 'udp', state: 'ESTAB', localAddress: client, localPort, peerAddress: vip, peerPort: 53 },
  ]);

test("is a risk where the client's port is taken and no such client was met", () => {
  const [found, ...others] = diagnosed();
  expect(found).toMatchObject({ host: 'proxy', severity: 'risk', services: ['udp:53'] });
  expect(commands(found?.fix ?? [])).toEqual(['sysctl -w net.ipv4.ip_unprivileged_port_start=0']);
  expect(others).toEqual([]);
});

test.each([
  ['a bind was denied', denied],
  ["a client's socket has a low port", asking(53)],
])('is a fault once %s', (_, change) => {
  expect(diagnosed(change)).toMatchObject([{ severity: 'fault', certainty: 'proven', services: ['udp:53'] }]);
  expect(examineArticle(change).verdict).toBe('faulty');
});

test('a client with a high port, a bind that failed for another reason or another service, prove nothing', () => {
  const others = [
    asking(1024),
    logLine('bind', 10, { errno: 98, client, upstream: 'udp://172.16.0.11:53' }),
    logLine('bind', 10, { errno: 13, client, upstream: 'http://172.16.0.11:80/' }),
    logLine('bind', 4000, { errno: 13, client, upstream: 'udp://172.16.0.11:53' }),
  ];
  expect(diagnosed(others)).toMatchObject([{ severity: 'risk' }]);
});

test.each([
  ['workers may bind to any port', changeWorkers({ effectiveCapabilities: '2400' })],
  ['any port is free to all', setSysctl('proxy', 'net/ipv4/ip_unprivileged_port_start', 0)],
  ["no service takes the client's port", withoutDsr],
])('is nothing where %s', (_, change) => {
  expect(diagnosed(change)).toEqual([]);
});

test('over TCP it is told once it happened: until then the port is better dropped', () => {
  const taken = [
    withoutDsr,
    editConfig(
      '$remote_addr transparent;\n            proxy_pass http://web;',
      '$remote_addr:$remote_port transparent;\n            proxy_pass http://web;',
    ),
  ];
  expect(diagnosed(taken)).toEqual([]);
  const line = logLine('bind', 10, { errno: 13, client, upstream: 'http://172.16.0.11:80/' });
  expect(diagnosed([...taken, line])).toMatchObject([{ severity: 'fault', services: ['http:80/#web'] }]);
});
