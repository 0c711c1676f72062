import { expect, test } from 'vitest';
import check from '../../../checks/upstream/firewall-lets-replies-out.js';
import { dropSockets, setIptables } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test("an OUTPUT chain that knows nginx's address alone fails", () => {
  const change = setIptables('dev1', 'filter', ['-A OUTPUT -d 172.16.0.1/32 -j ACCEPT'], { policies: { OUTPUT: 'DROP' } });
  expect(statusesOf(check, 'dev1', change)).toMatchObject({ 'http:80/#web': 'fail', 'http:80/#web6': 'pass' });
});

test('one that lets established connections out is fine', () => {
  const change = setIptables('dev1', 'filter', ['-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'], {
    policies: { OUTPUT: 'DROP' },
  });
  expect(statusesOf(check, 'dev1', change)['http:80/#web']).toBe('pass');
});

test('nothing is said of replies that are never made', () => {
  const change = [dropSockets('dev1', 80), setIptables('dev1', 'filter', [], { policies: { OUTPUT: 'DROP' } })];
  expect(statusesOf(check, 'dev1', change)).not.toHaveProperty(['http:80/#web']);
});
