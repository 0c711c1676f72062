import { expect, test } from 'vitest';
import { client } from '../../kit/article.js';
import { editConfig } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('a fixed port in a DSR service gives way to the port of the client', () => {
  const change = editConfig('$remote_addr:$remote_port', '$remote_addr:53');
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'nginx/literal-port-in-bind', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(edits(found.fix)).toEqual([
    '/etc/nginx/nginx.conf:47: proxy_bind $remote_addr:53 transparent; → proxy_bind $remote_addr:$remote_port transparent;',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('where replies end at nginx any port will do', () => {
  const method1 = 'proxy_bind $remote_addr transparent;\n        proxy_responses 1;';
  expectHealthy(editConfig(method1, method1.replace('$remote_addr', '$remote_addr:20053')));
});

test('what was logged in the very second of the snapshot is not told of the workers that the cure starts', () => {
  const refused = logLine('bind', 0, { errno: 13, client, upstream: 'udp://172.16.0.11:53' });
  const literal = editConfig('proxy_bind $remote_addr:$remote_port transparent;', 'proxy_bind $remote_addr:53 transparent;');
  expect(soleDiagnosis([literal, refused]).cause).toBe('nginx/literal-port-in-bind');
});
