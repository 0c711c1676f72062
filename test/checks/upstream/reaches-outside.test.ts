import { expect, test } from 'vitest';
import check from '../../../checks/upstream/reaches-outside.js';
import { changeFact } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const tried = (ok: boolean) => changeFact('dev1', 'outbound', () => [{ to: 'deb.example', ok, text: ok ? 'answered' : 'no answer' }]);

test('a destination that the user named and that does not answer is a warning, on that host alone', () => {
  expect(statusesOf(check, 'dev1', tried(false))).toEqual({ dev1: 'warn' });
  expect(statusesOf(check, 'dev2', tried(false))).toEqual({});
});

test('one that answers is fine, and none named is no matter', () => {
  expect(statusesOf(check, 'dev1', tried(true))).toEqual({ dev1: 'pass' });
  expect(statusesOf(check, 'dev1')).toEqual({});
});
