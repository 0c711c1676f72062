import { expect, test } from 'vitest';
import check from '../../../checks/upstream/firewall-admits-requests.js';
import { loseFact, setIptables } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test("rules that admit nginx's address alone fail", () => {
  const change = setIptables('dev1', 'filter', [
    '-A INPUT -s 172.16.0.1/32 -j ACCEPT',
    '-A INPUT -p tcp -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
  ]);
  expect(statusesOf(check, 'dev1', change)).toMatchObject({ 'http:80/#web': 'fail', 'udp:53': 'pass' });
});

test('a policy of drop that admits the port is fine', () => {
  const change = setIptables('dev1', 'filter', ['-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'], { policies: { INPUT: 'DROP' } });
  expect(statusesOf(check, 'dev1', change)).toMatchObject({ 'http:80/#web': 'pass', 'udp:53': 'fail' });
});

test('a rule that cannot be evaluated is unknown', () => {
  const change = setIptables('dev1', 'filter', ['-A INPUT -p tcp -m string --string x --algo bm -j DROP']);
  expect(statusesOf(check, 'dev1', change)['http:80/#web']).toBe('unknown');
});

test('rules that could not be read are unknown', () => {
  expect(statusesOf(check, 'dev1', loseFact('dev1', 'iptablesNft'))['http:80/#web']).toBe('unknown');
});
