import { expect, test } from 'vitest';
import check from '../../../checks/proxy/forwards-for-upstreams.js';
import { addRoute, changeMaster, setForwarding } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const outside = addRoute('proxy', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: '192.168.99.1' }] });

test('without forwarding the upstreams reach nothing through this host', () => {
  expect(statusesOf(check, 'proxy', [outside, setForwarding('proxy', 0)])).toEqual({ proxy: 'warn' });
});

test('with forwarding it passes', () => {
  expect(statusesOf(check, 'proxy', outside)).toEqual({ proxy: 'pass' });
});

test('a host that has no way out itself has nothing to forward to', () => {
  expect(statusesOf(check, 'proxy', setForwarding('proxy', 0))).toEqual({});
});

test('nothing is said where no reply comes by this host', () => {
  expect(statusesOf(check, 'proxy', [outside, changeMaster({ workers: [] })])).toEqual({});
});
