import { expect, test } from 'vitest';
import check from '../../../checks/proxy/forwards-for-upstreams.js';
import { changeMaster, setForwarding } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('without forwarding the upstreams reach nothing through this host', () => {
  expect(statusesOf(check, 'proxy', setForwarding('proxy', 0))).toEqual({ proxy: 'warn' });
});

test('with forwarding it passes', () => {
  expect(statusesOf(check, 'proxy')).toEqual({ proxy: 'pass' });
});

test('nothing is said where no reply comes by this host', () => {
  expect(statusesOf(check, 'proxy', changeMaster({ workers: [] }))).toEqual({});
});
