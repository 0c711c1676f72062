import { expect, test } from 'vitest';
import check from '../../../checks/proxy/upstreams-have-outbound.js';
import { changeMaster, setForwarding } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

test('without forwarding the upstreams reach nothing through this host', () => {
  expect(statusesOf(check, 'proxy', setForwarding('proxy', 0))).toEqual({ proxy: 'warn' });
});

test('with forwarding only a probe can tell', () => {
  expect(findingsOf(check, 'proxy')).toMatchObject([{ status: 'unknown', message: expect.stringContaining('--outbound') }]);
});

test('nothing is said where no reply comes by this host', () => {
  expect(statusesOf(check, 'proxy', changeMaster({ workers: [] }))).toEqual({});
});
