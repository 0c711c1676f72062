import { expect, test } from 'vitest';
import check from '../../../checks/worker/alive.js';
import { changeMaster, editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('a master without workers fails', () => {
  expect(statusesOf(check, 'proxy', changeMaster({ workers: [] }))).toEqual({ proxy: 'fail' });
});

test('a single worker is enough', () => {
  expect(statusesOf(check, 'proxy')).toEqual({ proxy: 'pass' });
});

test('nothing is said of an nginx without transparent services', () => {
  const change = [editConfig('proxy_bind', '#'), changeMaster({ workers: [] })];
  expect(statusesOf(check, 'proxy', change)).toEqual({});
});
