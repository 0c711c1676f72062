import { expect, test } from 'vitest';
import check from '../../../checks/dsr/firewall-lets-replies-through.js';
import { setForwarding, setIptables } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('a FORWARD policy of drop fails', () => {
  expect(statusesOf(check, 'proxy', setIptables('proxy', 'filter', [], { policies: { FORWARD: 'DROP' } }))).toEqual({ 'udp:53': 'fail' });
});

test('a policy of drop with an accept for the upstreams is fine', () => {
  const change = setIptables('proxy', 'filter', ['-A FORWARD -s 172.16.0.0/28 -j ACCEPT'], { policies: { FORWARD: 'DROP' } });
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'udp:53': 'pass' });
});

test('replies that are not forwarded were not put to FORWARD', () => {
  const change = [setForwarding('proxy', 0), setIptables('proxy', 'filter', [], { policies: { FORWARD: 'DROP' } })];
  expect(statusesOf(check, 'proxy', change)).toEqual({});
});
