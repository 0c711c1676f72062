import { expect, test } from 'vitest';
import type { Change } from '../../kit/article.js';
import { changeFact, editConfig } from '../../kit/change.js';
import { edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const fourthFor6: readonly Change[] = [1, 2, 3, 4].map((n) => editConfig(`[fd00:16::1${n}]:80`, `172.16.0.1${n}:80`));

test('upstreams get their addresses of the family of the clients', () => {
  const found = soleDiagnosis(fourthFor6);
  expect(found).toMatchObject({ cause: 'nginx/address-family-mismatch', host: 'proxy', severity: 'fault', services: ['http:80/#web6'] });
  expect(edits(found.fix)[0]).toBe('/etc/nginx/nginx.conf:12: server 172.16.0.11:80; → server [fd00:16::11]:80;');
  expect(leftAfterCures(fourthFor6)).toEqual([]);
});

test('one server for both families stops listening for the one that its upstreams are not of', () => {
  const change = editConfig('listen 80;', 'listen 80;\n        listen [::]:8080;');
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'nginx/address-family-mismatch', severity: 'fault' });
  expect(found.services).toHaveLength(1);
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:19: listen [::]:8080; → ']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('both families side by side, or without a transparent bind, are fine', () => {
  expectHealthy([]);
  expectHealthy([editConfig('proxy_bind $remote_addr transparent;', 'proxy_bind off;'), ...fourthFor6]);
});

/** A proxy that listens for IPv6 on a service of IPv4 upstreams, and of whose IPv6 clients none is known. */
const nobodyBy6: readonly Change[] = [
  changeFact('client', 'addresses', (addresses) => addresses.filter(({ family }) => family === 4)),
  editConfig('        listen [::]:80;\n', '        listen [::]:80;\n        listen 8081;\n'),
  ...fourthFor6,
];

test('as long as no client of that family is known it is a risk', () => {
  const found = soleDiagnosis(nobodyBy6);
  expect(found).toMatchObject({ cause: 'nginx/address-family-mismatch', severity: 'risk' });
});

test('a host without any address of that family has no clients of it', () => {
  const without6 = changeFact('proxy', 'addresses', (addresses) => addresses.filter(({ family }) => family === 4));
  expectHealthy([...nobodyBy6, without6]);
});
