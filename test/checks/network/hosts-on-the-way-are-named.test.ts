import { expect, test } from 'vitest';
import check from '../../../checks/network/hosts-on-the-way-are-named.js';
import { client } from '../../kit/article.js';
import { changeMaster, removeHost } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

test('an upstream that nobody named is unknown and said how to settle', () => {
  const [finding] = findingsOf(check, 'proxy', removeHost('dev1'));
  expect(finding).toMatchObject({ service: 'http:80/#web', status: 'unknown', message: expect.stringContaining('--host') });
  expect(finding?.message).toContain('172.16.0.11');
});

test('clients need not be named', () => {
  expect(Object.values(statusesOf(check, 'proxy', removeHost('client'), { clients: [client] }))).toEqual(['pass', 'pass', 'pass', 'pass']);
});

test('a way that breaks early is not called fully seen', () => {
  expect(statusesOf(check, 'proxy', changeMaster({ workers: [] }))).toEqual({});
});
