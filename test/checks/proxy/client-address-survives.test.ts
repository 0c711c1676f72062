import { expect, test } from 'vitest';
import check from '../../../checks/proxy/client-address-survives.js';
import { setIptables } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const nat = (...rules: string[]) => setIptables('proxy', 'nat', rules);

test('a masquerade of all that leaves towards the upstreams fails', () => {
  const change = nat('-A POSTROUTING -o eth1 -j MASQUERADE');
  expect(statusesOf(check, 'proxy', change)).toMatchObject({ 'http:80/#web': 'fail', 'http:80/#web6': 'pass', 'udp:53': 'fail' });
});

test("a masquerade for the upstreams' own traffic is fine", () => {
  expect(statusesOf(check, 'proxy', nat('-A POSTROUTING -s 172.16.0.0/28 -o eth0 -j MASQUERADE'))['http:80/#web']).toBe('pass');
});

test('an exemption before the masquerade is fine', () => {
  const change = nat('-A POSTROUTING -d 172.16.0.0/28 -j ACCEPT', '-A POSTROUTING -j MASQUERADE');
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('pass');
});

test('a rule that cannot be evaluated is unknown', () => {
  const change = nat('-A POSTROUTING -o eth1 -m string --string x --algo bm -j MASQUERADE');
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('unknown');
});
