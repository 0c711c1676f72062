import { expect, test } from 'vitest';
import check from '../../../checks/upstream/route-leads-to-proxy.js';
import { addAddress, addPolicyRule, addRoute, dropRoute, setSysctl } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const by = (via: string) => [dropRoute('dev1', '0.0.0.0/0'), addRoute('dev1', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via }] })];

test('another gateway on the segment of nginx fails', () => {
  expect(statusesOf(check, 'dev1', by('172.16.0.2'))).toMatchObject({
    'http:80/#web': 'fail',
    'http:80/#web6': 'pass',
    'udp:5300': 'fail',
  });
});

test('a gateway where the reply ends is a warning, for the fault may be its own', () => {
  expect(statusesOf(check, 'dev1', by('172.16.0.14'))['http:80/#web']).toBe('warn');
});

test('a source rule that leads to nginx outweighs a wrong default', () => {
  const change = [
    ...by('172.16.0.14'),
    addPolicyRule('dev1', { priority: 100, from: '172.16.0.11', table: '100' }),
    addRoute('dev1', { to: '0.0.0.0/0', table: '100', nextHops: [{ link: 'eth0', via: '172.16.0.1' }] }),
  ];
  expect(statusesOf(check, 'dev1', change)['http:80/#web']).toBe('pass');
});

test('nothing is asked of DSR, whose replies may go anywhere', () => {
  expect(statusesOf(check, 'dev1', by('172.16.0.14'))).not.toHaveProperty(['udp:53']);
});

test('a gateway that nobody named is unknown', () => {
  const change = [
    addAddress('dev1', 'eth1', '10.50.0.2/24'),
    dropRoute('dev1', '0.0.0.0/0'),
    addRoute('dev1', { to: '0.0.0.0/0', nextHops: [{ link: 'eth1', via: '10.50.0.1' }] }),
    setSysctl('dev1', 'net/ipv4/conf/eth0/rp_filter', 0),
  ];
  expect(statusesOf(check, 'dev1', change)['http:80/#web']).toBe('unknown');
});
