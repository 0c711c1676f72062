import { expect, test } from 'vitest';
import check from '../../../checks/upstream/clients-are-elsewhere.js';
import { addAddress, addPolicyRule, addRoute, dropSockets, removeHost, setSysctl } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const connected = [addAddress('dev1', 'eth1', '192.168.99.111/24'), setSysctl('dev1', 'net/ipv4/conf/eth0/rp_filter', 2)];

test('a client in a connected subnet fails', () => {
  expect(statusesOf(check, 'dev1', connected)).toMatchObject({ 'http:80/#web': 'fail', 'http:80/#web6': 'pass' });
});

test('strict rp_filter makes it fail on the way in', () => {
  expect(statusesOf(check, 'dev1', addAddress('dev1', 'eth1', '192.168.99.111/24'))['http:80/#web']).toBe('fail');
});

test('a source rule by way of nginx makes it harmless', () => {
  const change = [
    ...connected,
    addPolicyRule('dev1', { priority: 100, from: '172.16.0.11', table: '100' }),
    addRoute('dev1', { to: '0.0.0.0/0', table: '100', nextHops: [{ link: 'eth0', via: '172.16.0.1' }] }),
  ];
  expect(statusesOf(check, 'dev1', change)['http:80/#web']).toBe('pass');
});

test('a warning where the request ends before it could do harm', () => {
  expect(statusesOf(check, 'dev1', [...connected, dropSockets('dev1', 80)])['http:80/#web']).toBe('warn');
});

test('unknown where no client is known', () => {
  expect(statusesOf(check, 'dev1', removeHost('client'))['http:80/#web']).toBe('unknown');
});
