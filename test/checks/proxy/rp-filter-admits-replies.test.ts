import { expect, test } from 'vitest';
import check from '../../../checks/proxy/rp-filter-admits-replies.js';
import { addAddress, addRoute, setSysctl } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

/** The upstreams are reached over eth0, yet their replies come in on eth1. */
const elsewhere = addRoute('proxy', { to: '172.16.0.11/32', nextHops: [{ link: 'eth2' }] });
const thirdLink = addAddress('proxy', 'eth2', '10.9.0.1/24');

test('strict mode in the usual setup is fine', () => {
  const change = setSysctl('proxy', 'net/ipv4/conf/all/rp_filter', 1);
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'http:80/#web': 'pass', 'udp:5300': 'pass' });
});

test('strict mode fails where the way back leads elsewhere, loose mode does not', () => {
  const loose = setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 2);
  expect(statusesOf(check, 'proxy', [thirdLink, elsewhere])['udp:5300']).toBe('fail');
  expect(statusesOf(check, 'proxy', [thirdLink, elsewhere, loose])['udp:5300']).toBe('pass');
});
