import { expect, test } from 'vitest';
import check from '../../../checks/dsr/replies-are-rewritten.js';
import { addressOf, rewriteFilter } from '../../kit/article.js';
import { changeFact } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

const filters = (change: Parameters<typeof rewriteFilter>[1], name: 'dev1' | 'dev2' = 'dev1') =>
  changeFact('proxy', 'trafficControl', (control) => ({
    ...control,
    filters: [...control.filters.filter((filter) => filter.match?.source !== addressOf(name)), rewriteFilter(addressOf(name), change)],
  }));
const none = changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }));

test('no rewrite fails on the host that the replies pass', () => {
  expect(statusesOf(check, 'proxy', none)).toEqual({ 'udp:53': 'fail' });
  expect(statusesOf(check, 'dev1', none)).toEqual({});
});

test('a rewrite to an address that nobody asked fails', () => {
  const change = filters({ actions: [{ kind: 'nat', direction: 'egress', old: '172.16.0.11/32', new: '192.168.99.99' }] });
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'udp:53': 'fail' });
});

test('an upstream that is left out fails and is named', () => {
  const change = changeFact('proxy', 'trafficControl', (control) => ({ ...control, filters: control.filters.slice(1) }));
  const [finding] = findingsOf(check, 'proxy', change);
  expect(finding?.status).toBe('fail');
  expect(finding?.message).toContain('172.16.0.11');
});

test('a filter without a port is fine', () => {
  expect(statusesOf(check, 'proxy', filters({ match: { source: '172.16.0.11' } }))).toEqual({ 'udp:53': 'pass' });
});
