import { expect, test } from 'vitest';
import { type Change, client } from '../../kit/article.js';
import { editConfig } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { edits, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const withPort: Change = editConfig(
  'proxy_bind $remote_addr transparent;\n            proxy_pass http://web;',
  'proxy_bind $remote_addr:$remote_port transparent;\n            proxy_pass http://web;',
);
const failedBind = logLine('bind', 10, { errno: 98, client, upstream: 'http://172.16.0.11:80/' });

test('is a risk as long as nothing failed', () => {
  const found = soleDiagnosis(withPort);
  expect(found).toMatchObject({ cause: 'nginx/tcp-client-port-bind', host: 'proxy', severity: 'risk', services: ['http:80/#web'] });
  expect(edits(found.fix)).toEqual([
    '/etc/nginx/nginx.conf:20: proxy_bind $remote_addr:$remote_port transparent; → proxy_bind $remote_addr transparent;',
  ]);
});

test('is a fault once a bind failed', () => {
  expect(soleDiagnosis([withPort, failedBind])).toMatchObject({ severity: 'fault', certainty: 'proven' });
});

test('a bind that failed before the workers started, or for UDP, proves nothing', () => {
  const old = logLine('bind', 4000, { errno: 98, client, upstream: 'http://172.16.0.11:80/' });
  const udp = logLine('bind', 10, { errno: 98, client, upstream: 'udp://172.16.0.11:53' });
  expect(soleDiagnosis([withPort, old, udp]).severity).toBe('risk');
});

test('the port is right where replies go straight to the client', () => {
  expectHealthy(logLine('bind', 10, { errno: 98, client, upstream: 'udp://172.16.0.11:53' }));
});
