import { expect, test } from 'vitest';
import { addRoute, changeMarkRules, dropRoute } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const empty4 = dropRoute('proxy', '0.0.0.0/0', '100');
const empty6 = dropRoute('proxy', '::/0', '100');

test('an empty table of both families is one fault with a route for each', () => {
  const found = soleDiagnosis([empty4, empty6]);
  expect(found).toMatchObject({ cause: 'proxy/local-route-missing', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'http:80/#web6', 'udp:5300']);
  expect(commands(found.fix)).toEqual(['ip route add local 0.0.0.0/0 dev lo table 100', 'ip -6 route add local ::/0 dev lo table 100']);
  expect(leftAfterCures([empty4, empty6])).toEqual([]);
});

test('a route for IPv4 alone leaves IPv6 out', () => {
  const found = soleDiagnosis(empty6);
  expect(found).toMatchObject({ cause: 'proxy/local-route-missing', services: ['http:80/#web6'] });
  expect(commands(found.fix)).toEqual(['ip -6 route add local ::/0 dev lo table 100']);
});

test('an empty table that no rule leads to is fine', () => {
  const moved = [
    addRoute('proxy', { to: '0.0.0.0/0', type: 'local', table: '7', nextHops: [{ link: 'lo' }] }),
    addRoute('proxy', { to: '::/0', type: 'local', table: '7', nextHops: [{ link: 'lo' }] }),
  ];
  expectHealthy([empty4, empty6, ...moved, changeMarkRules('proxy', { table: '7' })]);
});
