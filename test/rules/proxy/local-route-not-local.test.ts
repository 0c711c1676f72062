import { expect, test } from 'vitest';
import { addRoute, dropRoute } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const without4 = dropRoute('proxy', '0.0.0.0/0', '100');
const local = (to: string) => addRoute('proxy', { to, type: 'local', table: '100', nextHops: [{ link: 'lo' }] });

test('a unicast default route over lo is put away for a local one', () => {
  const change = [without4, addRoute('proxy', { to: '0.0.0.0/0', table: '100', nextHops: [{ link: 'lo' }] })];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/local-route-not-local', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:5300']);
  expect(commands(found.fix)).toEqual(['ip route del 0.0.0.0/0 dev lo table 100', 'ip route add local 0.0.0.0/0 dev lo table 100']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('for IPv6 too', () => {
  const change = [dropRoute('proxy', '::/0', '100'), addRoute('proxy', { to: '::/0', table: '100', nextHops: [{ link: 'lo' }] })];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/local-route-not-local', services: ['http:80/#web6'] });
  expect(commands(found.fix).at(-1)).toBe('ip -6 route add local ::/0 dev lo table 100');
  expect(leftAfterCures(change)).toEqual([]);
});

test('a local route that does not cover the client is not enough', () => {
  const change = [without4, local('10.0.0.0/8')];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/local-route-not-local', host: 'proxy' });
  expect(commands(found.fix)).toEqual(['ip route add local 0.0.0.0/0 dev lo table 100']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('two halves that cover everything are fine', () => {
  expectHealthy([without4, local('0.0.0.0/1'), local('128.0.0.0/1')]);
});

test('a local route for the clients alone is fine', () => {
  expectHealthy([without4, local('192.168.99.0/24')]);
});
