import { expect, test } from 'vitest';
import check from '../../../checks/proxy/firewall-admits-replies.js';
import { dropMarkRules, setIptables } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('an INPUT chain for own addresses alone drops the replies', () => {
  const change = setIptables('proxy', 'filter', ['-A INPUT -i eth1 ! -d 172.16.0.1/32 -j DROP']);
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'http:80/#web': 'fail', 'http:80/#web6': 'pass', 'udp:5300': 'fail' });
});

test('a policy of drop is fine where established connections are accepted', () => {
  const rules = ['-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT', '-A INPUT -i eth0 -j ACCEPT'];
  const change = setIptables('proxy', 'filter', rules, { policies: { INPUT: 'DROP' } });
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'http:80/#web': 'pass', 'http:80/#web6': 'pass', 'udp:5300': 'pass' });
});

test('a rule that cannot be evaluated is unknown', () => {
  const change = setIptables('proxy', 'filter', ['-A INPUT -i eth1 -m string --string x --algo bm -j DROP']);
  expect(statusesOf(check, 'proxy', change)['udp:5300']).toBe('unknown');
});

test('replies that are not routed here were not put to INPUT', () => {
  const change = [dropMarkRules('proxy'), setIptables('proxy', 'filter', ['-A INPUT -i eth1 -j DROP'])];
  expect(statusesOf(check, 'proxy', change)).toEqual({});
});
