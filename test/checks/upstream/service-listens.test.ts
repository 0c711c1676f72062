import { expect, test } from 'vitest';
import check from '../../../checks/upstream/service-listens.js';
import { changeFact, dropSockets, loseFact } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

test('no socket fails', () => {
  expect(statusesOf(check, 'dev1', dropSockets('dev1', 80))).toMatchObject({ 'http:80/#web': 'fail', 'udp:53': 'pass' });
});

test('a socket on another address fails and is shown', () => {
  const change = changeFact('dev1', 'sockets', (sockets) =>
    sockets.map((socket) => (socket.localPort === 53 ? { ...socket, localAddress: '127.0.0.1' } : socket)),
  );
  const finding = findingsOf(check, 'dev1', change).find(({ service }) => service === 'udp:53');
  expect(finding).toMatchObject({ status: 'fail', evidence: [{ what: 'port 53 is open on 127.0.0.1 only', source: '/proc/net/udp' }] });
});

test('a socket on :: takes IPv4 too', () => {
  const change = changeFact('dev1', 'sockets', (sockets) => sockets.filter((socket) => socket.localAddress !== '0.0.0.0'));
  expect(statusesOf(check, 'dev1', change)['http:80/#web']).toBe('pass');
});

test('unknown where the sockets could not be read', () => {
  expect(statusesOf(check, 'dev1', loseFact('dev1', 'sockets'))).toEqual({ dev1: 'unknown' });
});
