import { expect, test } from 'vitest';
import check from '../../../checks/nginx/families-agree.js';
import { client } from '../../kit/article.js';
import { editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const mixed = editConfig('proxy_pass http://web6;', 'proxy_pass http://web;');

test('IPv6 clients of IPv4 upstreams fail', () => {
  const statuses = statusesOf(check, 'proxy', mixed);
  expect(Object.values(statuses).filter((status) => status === 'fail')).toHaveLength(1);
});

test('a listener that no known client uses is a warning', () => {
  const statuses = statusesOf(check, 'proxy', mixed, { clients: [client] });
  expect(Object.values(statuses).sort()).toEqual(['pass', 'pass', 'pass', 'warn']);
});

test('one service for each family is fine', () => {
  expect(Object.values(statusesOf(check, 'proxy'))).toEqual(['pass', 'pass', 'pass', 'pass']);
});
