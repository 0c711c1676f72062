import { expect, test } from 'vitest';
import check from '../../../checks/network/upstreams-answer-ping.js';
import { changeFact, loseFact } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const silent = changeFact('proxy', 'pings', (pings) =>
  pings.map((ping) => (ping.to === '172.16.0.11' ? { ...ping, ok: false, text: 'no answer' } : ping)),
);

test('silence alone is never more than a warning', () => {
  expect(statusesOf(check, 'proxy', silent)).toEqual({ 'http:80/#web': 'warn', 'udp:53': 'warn', 'udp:5300': 'warn' });
});

test('one answer of several tries is fine', () => {
  const twice = changeFact('proxy', 'pings', (pings) => [...pings, { to: '172.16.0.11', ok: true, text: 'answered' }]);
  expect(statusesOf(check, 'proxy', [silent, twice])['udp:53']).toBe('pass');
});

test('unknown where nobody pinged', () => {
  expect(statusesOf(check, 'proxy', loseFact('proxy', 'pings', 'ping is not installed'))).toEqual({ proxy: 'unknown' });
});
