import { expect, test } from 'vitest';
import check from '../../../checks/dsr/rewrite-sits-where-replies-leave.js';
import { rewriteFilter } from '../../kit/article.js';
import { changeFact, loseFact } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

const filter = (change: Parameters<typeof rewriteFilter>[1]) =>
  changeFact('proxy', 'trafficControl', (control) => ({
    qdiscs: [...control.qdiscs, { link: 'eth1', kind: 'htb', handle: '10:' }],
    filters: control.filters.map((old) => (old.match?.source === '172.16.0.11' ? rewriteFilter('172.16.0.11', change) : old)),
  }));
const port = (value: number) => filter({ match: { source: '172.16.0.11', sourcePort: { value, mask: 0xffff } } });

test('on the link towards the upstreams it meets no reply', () => {
  const [finding] = findingsOf(check, 'proxy', filter({ link: 'eth1' }));
  expect(finding).toMatchObject({ status: 'fail', evidence: [{ source: 'tc filter show dev eth1' }] });
  expect(finding?.message).toContain('eth1');
});

test('another port, direction or parent meets none', () => {
  const ingress = filter({ actions: [{ kind: 'nat', direction: 'ingress', old: '172.16.0.11/32', new: '192.168.99.10' }] });
  for (const change of [port(5353), ingress, filter({ parent: '20:' })])
    expect(statusesOf(check, 'proxy', change)).toEqual({ 'udp:53': 'fail' });
});

test('a filter that stands beside the one that works is fine', () => {
  const change = changeFact('proxy', 'trafficControl', (control) => ({
    ...control,
    filters: [...control.filters, rewriteFilter('172.16.0.11', { link: 'eth1' })],
  }));
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'udp:53': 'pass' });
});

test('unknown where tc could not be asked', () => {
  expect(statusesOf(check, 'proxy', loseFact('proxy', 'trafficControl'))).toEqual({ proxy: 'unknown' });
});
