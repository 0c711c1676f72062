import { expect, test } from 'vitest';
import check from '../../../checks/proxy/route-to-upstreams.js';
import { addRoute, editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('no route fails', () => {
  const change = editConfig('172.16.0.11:80', '10.77.0.1:80');
  expect(statusesOf(check, 'proxy', change)).toMatchObject({ 'http:80/#web': 'fail', 'udp:53': 'pass' });
});

test('a route by a gateway is fine', () => {
  const change = [
    editConfig('172.16.0.11:80', '10.77.0.1:80'),
    addRoute('proxy', { to: '10.77.0.0/24', nextHops: [{ link: 'eth1', via: '172.16.0.9' }] }),
  ];
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('pass');
});

test('an upstream on this host is unknown', () => {
  expect(statusesOf(check, 'proxy', editConfig('172.16.0.11:80', '172.16.0.1:80'))['http:80/#web']).toBe('unknown');
});
