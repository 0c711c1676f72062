import { expect, test } from 'vitest';
import check from '../../../checks/upstream/has-route-to-client.js';
import { addPolicyRule, addRoute, dropRoute, removeHost, setSysctl } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const noDefault = dropRoute('dev1', '0.0.0.0/0');

test('no route fails', () => {
  expect(statusesOf(check, 'dev1', [noDefault, setSysctl('dev1', 'net/ipv4/conf/eth0/rp_filter', 0)])).toMatchObject({
    'http:80/#web': 'fail',
    'http:80/#web6': 'pass',
  });
});

test('it is said too where rp_filter drops the request before', () => {
  expect(statusesOf(check, 'dev1', noDefault)['udp:53']).toBe('fail');
});

test('a route to the clients alone is fine', () => {
  const change = [noDefault, addRoute('dev1', { to: '192.168.99.0/24', nextHops: [{ link: 'eth0', via: '172.16.0.1' }] })];
  expect(statusesOf(check, 'dev1', change)['http:80/#web']).toBe('pass');
});

test('a policy rule that cannot be evaluated is unknown', () => {
  const change = [
    addPolicyRule('dev1', { priority: 100, table: '200', other: 'tos 0x10' }),
    addRoute('dev1', { to: '0.0.0.0/0', table: '200', nextHops: [{ link: 'eth0' }] }),
  ];
  expect(statusesOf(check, 'dev1', change)['http:80/#web6']).toBe('pass');
  expect(statusesOf(check, 'dev1', [...change, setSysctl('dev1', 'net/ipv4/conf/eth0/rp_filter', 0)])['http:80/#web']).toBe('unknown');
});

test('a documentation address that has no route is no more than a warning', () => {
  expect(
    statusesOf(check, 'dev1', [removeHost('client'), noDefault, setSysctl('dev1', 'net/ipv4/conf/eth0/rp_filter', 0)])['http:80/#web'],
  ).toBe('warn');
});

test('a refusing route fails', () => {
  expect(statusesOf(check, 'dev1', addRoute('dev1', { to: '192.168.99.0/24', type: 'unreachable' }))['http:80/#web']).toBe('fail');
});
