import { expect, test } from 'vitest';
import { addRoute, dropRoute } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('a route that refuses goes', () => {
  const change = addRoute('proxy', { to: '172.16.0.13/32', type: 'unreachable' });
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/route-to-upstream-wrong', host: 'proxy', severity: 'fault', certainty: 'proven' });
  expect(commands(found.fix)).toEqual(['ip route del unreachable 172.16.0.13/32']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('where the route of the subnet is gone each upstream gets one', () => {
  const change = dropRoute('proxy', '172.16.0.0/28');
  const found = soleDiagnosis(change);
  expect(found.cause).toBe('proxy/route-to-upstream-wrong');
  expect(commands(found.fix)).toContain('ip route add 172.16.0.13/32 dev eth1');
  expect(leftAfterCures(change)).toEqual([]);
});

test('a refusing route for others is fine', () => {
  expectHealthy(addRoute('proxy', { to: '172.16.1.0/24', type: 'unreachable' }));
});
