import { expect, test } from 'vitest';
import check from '../../../checks/nginx/log-without-refused-spoofing.js';
import { loseFact } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

test('a line of the last minute fails', () => {
  expect(findingsOf(check, 'proxy', logLine('setsockopt-transparent', 10))).toMatchObject([
    { status: 'fail', evidence: [{ source: '/var/log/nginx/error.log:12' }] },
  ]);
});

test('an older line is a warning', () => {
  expect(statusesOf(check, 'proxy', logLine('setsockopt-transparent', 600))).toEqual({ proxy: 'warn' });
});

test('a line from before the workers started is history', () => {
  expect(statusesOf(check, 'proxy', logLine('setsockopt-transparent', 4000))).toEqual({ proxy: 'pass' });
});

test('a line of another kind, or of another master, says nothing', () => {
  expect(statusesOf(check, 'proxy', [logLine('worker-connections', 5), logLine('setsockopt-transparent', 5, { master: 1 })])).toEqual({
    proxy: 'pass',
  });
});

test('unknown where the log could not be read', () => {
  expect(statusesOf(check, 'proxy', loseFact('proxy', 'nginxErrors'))).toEqual({ proxy: 'unknown' });
});
