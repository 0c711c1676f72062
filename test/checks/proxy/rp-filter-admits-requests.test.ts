import { expect, test } from 'vitest';
import check from '../../../checks/proxy/rp-filter-admits-requests.js';
import { addRoute, setSysctl } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('a request from where the way back does not lead fails under strict mode', () => {
  const change = addRoute('proxy', { to: '192.168.99.50/32', nextHops: [{ link: 'eth1' }] });
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('fail');
});

test('the same is fine under loose mode', () => {
  const change = [
    addRoute('proxy', { to: '192.168.99.50/32', nextHops: [{ link: 'eth1' }] }),
    setSysctl('proxy', 'net/ipv4/conf/eth0/rp_filter', 2),
  ];
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('pass');
});

test('IPv6 has no such filter', () => {
  expect(statusesOf(check, 'proxy')).not.toHaveProperty(['http:80/#web6']);
});
