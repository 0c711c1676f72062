import { expect, test } from 'vitest';
import check from '../../../checks/proxy/replies-are-marked.js';
import { addPolicyRule, dropSockets, loseFact, setIptables } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

const rules = (...lines: string[]) => setIptables('proxy', 'mangle', lines);

test('without any rule every service of method 1 over IPv4 fails', () => {
  expect(statusesOf(check, 'proxy', rules())).toEqual({ 'http:80/#web': 'fail', 'http:80/#web6': 'pass', 'udp:5300': 'fail' });
});

test('a rule that covers some upstreams fails for the others and names them', () => {
  const change = rules('-A PREROUTING -s 172.16.0.11/32 -p tcp -m tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff');
  const finding = findingsOf(check, 'proxy', change).find(({ service }) => service === 'http:80/#web');
  expect(finding?.status).toBe('fail');
  expect(finding?.message).toContain('172.16.0.12');
  expect(finding?.message).not.toContain('172.16.0.11');
});

test('one rule by socket does for all', () => {
  const change = rules(
    '-A PREROUTING -p tcp -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
    '-A PREROUTING -p udp -m socket --transparent -j MARK --set-xmark 0x1/0xffffffff',
  );
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'http:80/#web': 'pass', 'http:80/#web6': 'pass', 'udp:5300': 'pass' });
});

test('replies that a policy rule takes in without a mark are fine', () => {
  const change = [rules(), addPolicyRule('proxy', { priority: 100, from: '172.16.0.0/28', iif: 'eth1', table: '100' })];
  expect(statusesOf(check, 'proxy', change)).toMatchObject({ 'http:80/#web': 'pass', 'udp:5300': 'pass' });
});

test('a fault on the upstream hides nothing here', () => {
  const change = [rules(), dropSockets('dev1', 80), dropSockets('dev2', 80), dropSockets('dev3', 80), dropSockets('dev4', 80)];
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('fail');
});

test('unknown where a rule is beyond evaluation, or the rules could not be read', () => {
  const change = rules('-A PREROUTING -p tcp -m string --string x --algo bm -j MARK --set-xmark 0x1/0xffffffff');
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('unknown');
  expect(statusesOf(check, 'proxy', loseFact('proxy', 'nft'))).toEqual({ proxy: 'unknown' });
});
