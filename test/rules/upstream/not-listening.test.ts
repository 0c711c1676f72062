import { expect, test } from 'vitest';
import { upstreams } from '../../kit/article.js';
import { changeFact, dropSockets, editConfig } from '../../kit/change.js';
import { commands, edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const stopped = dropSockets('dev2', 80);
const down4 = editConfig('172.16.0.12:80;', '172.16.0.12:80 down;');
const down6 = editConfig('[fd00:16::12]:80;', '[fd00:16::12]:80 down;');

test('a stopped service is the fault of its host, and nginx can leave it out', () => {
  const found = soleDiagnosis(stopped);
  expect(found).toMatchObject({
    cause: 'upstream/not-listening',
    host: 'dev2',
    severity: 'fault',
    certainty: 'proven',
    services: ['http:80/#web', 'http:80/#web6'],
  });
  expect(edits(found.fix)).toEqual([
    '/etc/nginx/nginx.conf:7: server 172.16.0.12:80; → server 172.16.0.12:80 down;',
    '/etc/nginx/nginx.conf:13: server [fd00:16::12]:80; → server [fd00:16::12]:80 down;',
  ]);
  expect(commands(found.fix).at(-1)).toMatch(/ -s reload$/);
  expect(leftAfterCures(stopped)).toEqual([]);
});

test('a socket on loopback alone is not enough', () => {
  const loopback = changeFact('dev2', 'sockets', (sockets) =>
    sockets.map((socket) => (socket.localPort === 5300 ? { ...socket, localAddress: '127.0.0.1' } : socket)),
  );
  expect(soleDiagnosis(loopback)).toMatchObject({ cause: 'upstream/not-listening', host: 'dev2', services: ['udp:5300'] });
  expect(leftAfterCures(loopback)).toEqual([]);
});

test('a TCP socket does not serve UDP', () => {
  const tcp = changeFact('dev2', 'sockets', (sockets) =>
    sockets.map((socket) => (socket.localPort === 53 ? { ...socket, protocol: 'tcp' as const, state: 'LISTEN' } : socket)),
  );
  expect(soleDiagnosis(tcp)).toMatchObject({ cause: 'upstream/not-listening', host: 'dev2', services: ['udp:53'] });
});

test('where every upstream is silent, nginx has nobody left to ask', () => {
  const found = soleDiagnosis([
    stopped,
    down4,
    down6,
    ...upstreams
      .filter((name) => name !== 'dev2' && name !== 'dev1')
      .flatMap((name) => [
        editConfig(`${`172.16.0.1${name.slice(3)}`}:80;`, `172.16.0.1${name.slice(3)}:80 down;`),
        editConfig(`[fd00:16::1${name.slice(3)}]:80;`, `[fd00:16::1${name.slice(3)}]:80 down;`),
      ]),
    dropSockets('dev1', 80),
  ]);
  expect(found).toMatchObject({ cause: 'upstream/not-listening', host: 'dev1', fix: [] });
});

test('an upstream that is marked down may be silent', () => {
  expectHealthy([stopped, down4, down6]);
});

test('a wildcard socket of IPv6 that takes IPv4 as well is fine', () => {
  const dual = changeFact('dev2', 'sockets', (sockets) =>
    sockets.filter((socket) => socket.localPort !== 80 || socket.localAddress === '::'),
  );
  expectHealthy(dual);
});
