import { expect, test } from 'vitest';
import { editConfig } from '../../kit/change.js';
import { edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('a DSR service gets the port of the client', () => {
  const change = editConfig('$remote_addr:$remote_port', '$remote_addr');
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'nginx/dsr-without-client-port', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(edits(found.fix)).toEqual([
    '/etc/nginx/nginx.conf:47: proxy_bind $remote_addr transparent; → proxy_bind $remote_addr:$remote_port transparent;',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a service that never answers needs no port', () => {
  expectHealthy([editConfig('listen 53 udp;', 'listen 514 udp;'), editConfig('$remote_addr:$remote_port', '$remote_addr')]);
});
