import { expect, test } from 'vitest';
import check from '../../../checks/dsr/replies-are-rewritten.js';
import { addressOf, rewriteFilter } from '../../kit/article.js';
import { addHost, addRoute, changeFact, dropRoute, setForwarding } from '../../kit/change.js';
import { makeHost } from '../../kit/host.js';
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

test('a router that the replies should perhaps not pass is only warned of', () => {
  const gateway = makeHost({ name: 'gw', links: { eth0: ['192.168.99.2/24'], eth1: ['172.16.0.2/28'] } });
  const change = [
    addHost(gateway),
    setForwarding('gw', 1),
    dropRoute('dev1', '0.0.0.0/0'),
    addRoute('dev1', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: '172.16.0.2' }] }),
  ];
  expect(statusesOf(check, 'gw', change)).toEqual({ 'udp:53': 'warn' });
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
