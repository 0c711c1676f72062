import { expect, test } from 'vitest';
import { editConfig } from '../../kit/change.js';
import { edits, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const method1 = (text: string) => editConfig('proxy_pass names_method1;', `${text}\n        proxy_pass names_method1;`);

test('a header once per session is a risk where a session takes several datagrams', () => {
  const found = soleDiagnosis(method1('proxy_protocol on;'));
  expect(found).toMatchObject({ cause: 'nginx/udp-proxy-protocol', host: 'proxy', severity: 'risk', services: ['udp:5300'] });
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:58: null →         proxy_requests 1;']);
});

test('a larger proxy_requests is changed where it stands', () => {
  expect(edits(soleDiagnosis(method1('proxy_protocol on; proxy_requests 8;')).fix)).toEqual([
    '/etc/nginx/nginx.conf:57: proxy_requests 8; → proxy_requests 1;',
  ]);
});

test('a session for each datagram has a header for each, and so has one that ends with its first', () => {
  expectHealthy(method1('proxy_protocol on; proxy_requests 1;'));
  expectHealthy(editConfig('proxy_responses 0;', 'proxy_responses 0;\n        proxy_protocol on;'));
  expectHealthy(method1('proxy_protocol off;'));
});
