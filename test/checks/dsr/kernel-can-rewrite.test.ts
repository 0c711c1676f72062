import { expect, test } from 'vitest';
import check from '../../../checks/dsr/kernel-can-rewrite.js';
import { changeFact } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const kernel = (change: Record<string, boolean | undefined>) =>
  changeFact('proxy', 'kernelFeatures', (fact) => ({ ...fact, features: { ...fact.features, ...change } }));
const none = changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }));

test('neither act_nat nor nf_tables is a warning while nothing rewrites', () => {
  expect(statusesOf(check, 'proxy', [none, kernel({ act_nat: false, nf_tables: false })])).toEqual({ 'udp:53': 'warn' });
});

test('one of them is enough, and a rewrite that works is proof', () => {
  expect(statusesOf(check, 'proxy', [none, kernel({ act_nat: false })])).toEqual({ 'udp:53': 'pass' });
  expect(statusesOf(check, 'proxy', kernel({ act_nat: false, nf_tables: false }))).toEqual({ 'udp:53': 'pass' });
});

test('unknown where the kernel does not tell', () => {
  expect(statusesOf(check, 'proxy', [none, kernel({ act_nat: undefined, nf_tables: false })])).toEqual({ 'udp:53': 'unknown' });
});

test('a host that has nothing to rewrite is not asked', () => {
  expect(statusesOf(check, 'dev1', none)).toEqual({});
});
