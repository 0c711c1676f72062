import { expect, test } from 'vitest';
import check from '../../../checks/upstream/rp-filter-admits-clients.js';
import { addAddress, addRoute, dropRoute, setSysctl } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const secondLink = [
  addAddress('dev1', 'eth1', '10.50.0.2/24'),
  dropRoute('dev1', '0.0.0.0/0'),
  addRoute('dev1', { to: '0.0.0.0/0', nextHops: [{ link: 'eth1', via: '10.50.0.1' }] }),
];

test('strict mode fails where the way back to the client is another link', () => {
  expect(statusesOf(check, 'dev1', secondLink)).toEqual({ 'http:80/#web': 'fail', 'udp:53': 'fail', 'udp:5300': 'fail' });
});

test('loose mode admits the same, and the larger value counts', () => {
  expect(statusesOf(check, 'dev1', [...secondLink, setSysctl('dev1', 'net/ipv4/conf/all/rp_filter', 2)])['http:80/#web']).toBe('pass');
});

test('strict mode in the usual setup is fine', () => {
  expect(statusesOf(check, 'dev1', setSysctl('dev1', 'net/ipv4/conf/all/rp_filter', 1))['http:80/#web']).toBe('pass');
});
