import { expect, test } from 'vitest';
import { editConfig } from '../../kit/change.js';
import { commands, edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const reload = '/usr/sbin/nginx -p /usr/share/nginx/ -c /etc/nginx/nginx.conf -s reload';

test('each proxy_bind that names the client without transparent gets the word', () => {
  const change = editConfig('proxy_bind $remote_addr transparent;', 'proxy_bind $remote_addr;');
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'nginx/transparent-keyword-missing', host: 'proxy', severity: 'fault', certainty: 'proven' });
  expect(found.services).toEqual(['http:80/#web', 'http:80/#web6', 'udp:5300']);
  expect(edits(found.fix)).toEqual([
    '/etc/nginx/nginx.conf:20: proxy_bind $remote_addr; → proxy_bind $remote_addr transparent;',
    '/etc/nginx/nginx.conf:27: proxy_bind $remote_addr; → proxy_bind $remote_addr transparent;',
    '/etc/nginx/nginx.conf:54: proxy_bind $remote_addr; → proxy_bind $remote_addr transparent;',
  ]);
  expect(commands(found.fix).at(-1)).toBe(reload);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a DSR service needs it as well', () => {
  const change = editConfig('$remote_addr:$remote_port transparent', '$remote_addr:$remote_port');
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'nginx/transparent-keyword-missing', services: ['udp:53'] });
  expect(commands(found.fix)).toEqual([reload]);
  expect(leftAfterCures(change)).toEqual([]);
});

test("a proxy_bind to an address of nginx's own host needs no transparent", () => {
  expectHealthy(editConfig('proxy_bind $remote_addr transparent;', 'proxy_bind 172.16.0.1;'));
});

test('proxy_bind off is fine', () => {
  expectHealthy(editConfig('proxy_bind $remote_addr transparent;', 'proxy_bind off;'));
});
