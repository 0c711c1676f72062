import { expect, test } from 'vitest';
import { addRoute, setSysctl } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const byAnotherLink = addRoute('proxy', { to: '172.16.0.12/32', nextHops: [{ link: 'eth0' }] });

test('a reply that comes in beside the way to its upstream needs loose mode', () => {
  const found = soleDiagnosis(byAnotherLink);
  expect(found).toMatchObject({ cause: 'proxy/rp-filter-drops-reply', host: 'proxy', severity: 'fault' });
  expect(commands(found.fix)).toEqual(['sysctl -w net.ipv4.conf.eth1.rp_filter=2']);
  expect(leftAfterCures(byAnotherLink)).toEqual([]);
});

test('in loose mode it is fine, and strict mode is fine where ways are the same', () => {
  expectHealthy([byAnotherLink, setSysctl('proxy', 'net/ipv4/conf/all/rp_filter', 2)]);
  expectHealthy(setSysctl('proxy', 'net/ipv4/conf/all/rp_filter', 1));
});
