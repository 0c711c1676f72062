import { expect, test } from 'vitest';
import check from '../../../checks/network/clients-answer-ping.js';
import { client } from '../../kit/article.js';
import { changeFact, removeHost } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('a client that does not answer is a warning', () => {
  const change = changeFact('proxy', 'pings', (pings) => pings.map((ping) => ({ ...ping, ok: ping.to !== client })));
  expect(statusesOf(check, 'proxy', change)).toEqual({ proxy: 'warn' });
});

test('a client that answers is fine', () => {
  expect(statusesOf(check, 'proxy')).toEqual({ proxy: 'pass' });
});

test('an address from the documentation is not missed', () => {
  expect(statusesOf(check, 'proxy', removeHost('client'))).toEqual({});
});
