import { expect, test } from 'vitest';
import { type Change, client } from '../../kit/article.js';
import { changeFact, editConfig } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { edits, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const uncounted = (timeout: string): Change => editConfig('proxy_responses 1;\n        proxy_timeout 2s;', timeout);
const onPort = (port: number): Change => editConfig('listen 5300', `listen ${port}`);

test('sessions that nothing ends for ten minutes are a risk, and a short timeout the cure', () => {
  const found = soleDiagnosis(uncounted(''));
  expect(found).toMatchObject({ cause: 'nginx/udp-sessions-pile-up', host: 'proxy', severity: 'risk', services: ['udp:5300'] });
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:56: null →         proxy_timeout 10s;']);
});

test('a long timeout that is written is changed where it stands', () => {
  expect(edits(soleDiagnosis(uncounted('proxy_timeout 5m;')).fix)).toEqual([
    '/etc/nginx/nginx.conf:55: proxy_timeout 5m; → proxy_timeout 10s;',
  ]);
});

test('answers are counted where the protocol says how many there are', () => {
  expect(edits(soleDiagnosis([uncounted('proxy_timeout 5m;'), onPort(123)]).fix)).toEqual([
    '/etc/nginx/nginx.conf:56: null →         proxy_responses 1;',
    '/etc/nginx/nginx.conf:55: proxy_timeout 5m; → proxy_timeout 5s;',
  ]);
});

test('a timeout of a minute, and sessions that are meant to last, are fine', () => {
  expectHealthy(uncounted('proxy_timeout 60s;'));
  expectHealthy([uncounted(''), onPort(1194)]);
});

test('a timeout of TCP is none of UDP', () => {
  expectHealthy(editConfig('stream {', 'stream {\n    proxy_timeout 1h;'));
});

test('it is a fault once connections ran out and its sessions hold them', () => {
  const ranOut = logLine('worker-connections', 10, { text: '2026/01/01 00:00:00 [alert] 701#701: 512 worker_connections are not enough' });
  const sessions = (count: number): Change =>
    changeFact('proxy', 'sockets', (sockets) => [
      ...sockets,
      ...Array.from({ length: count }, (_, i) => ({
        protocol: 'udp' as const,
        state: 'ESTAB',
        localAddress: client,
        localPort: 20_000 + i,
        peerAddress: '172.16.0.11',
        peerPort: 5300,
      })),
    ]);
  expect(soleDiagnosis([uncounted(''), ranOut, sessions(200)])).toMatchObject({ severity: 'fault', certainty: 'proven' });
  expect(soleDiagnosis([uncounted(''), ranOut, sessions(20)])).toMatchObject({ severity: 'risk' });
  expect(soleDiagnosis([uncounted(''), sessions(200)])).toMatchObject({ severity: 'risk' });
});
