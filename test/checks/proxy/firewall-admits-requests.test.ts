import { expect, test } from 'vitest';
import check from '../../../checks/proxy/firewall-admits-requests.js';
import { setIptables } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('a dropped port fails for its service alone', () => {
  const change = setIptables('proxy', 'filter', ['-A INPUT -p udp -m udp --dport 53 -j DROP']);
  expect(statusesOf(check, 'proxy', change)).toMatchObject({ 'udp:53': 'fail', 'udp:5300': 'pass', 'http:80/#web': 'pass' });
});

test('a drop that an accept comes before is fine', () => {
  const change = setIptables('proxy', 'filter', ['-A INPUT -i eth0 -j ACCEPT', '-A INPUT -p udp -j DROP']);
  expect(statusesOf(check, 'proxy', change)['udp:53']).toBe('pass');
});

test('a rule that cannot be evaluated is unknown', () => {
  const change = setIptables('proxy', 'filter', ['-A INPUT -p udp -m string --string x --algo bm -j DROP']);
  expect(statusesOf(check, 'proxy', change)['udp:53']).toBe('unknown');
});
