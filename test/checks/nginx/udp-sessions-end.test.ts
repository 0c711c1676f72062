import { expect, test } from 'vitest';
import check from '../../../checks/nginx/udp-sessions-end.js';
import { editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('no proxy_responses and the default timeout is a warning', () => {
  const statuses = statusesOf(check, 'proxy', editConfig('proxy_responses 1;\n        proxy_timeout 2s;', ''));
  expect(statuses).toEqual({ 'udp:53': 'pass', 'udp:5300': 'warn' });
});

test('a short timeout alone is fine', () => {
  expect(statusesOf(check, 'proxy', editConfig('proxy_responses 1;', ''))['udp:5300']).toBe('pass');
});

test('a long timeout with proxy_responses is fine', () => {
  expect(statusesOf(check, 'proxy', editConfig('proxy_timeout 2s', 'proxy_timeout 1h'))['udp:5300']).toBe('pass');
});
