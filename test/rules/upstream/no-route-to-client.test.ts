import { expect, test } from 'vitest';
import { addRoute, changeFact, dropRoute, setSysctl } from '../../kit/change.js';
import { defaultRoute } from '../../kit/host.js';
import { causesOf, commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const without4 = dropRoute('dev2', '0.0.0.0/0');
const without6 = dropRoute('dev2', '::/0');
const filter = (value: number) => setSysctl('dev2', 'net/ipv4/conf/eth0/rp_filter', value);

test.each([0, 1, 2])('a missing default route is that alone, with rp_filter %d', (value) => {
  const change = [without4, filter(value)];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'upstream/no-route-to-client', host: 'dev2', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:53', 'udp:5300']);
  expect(commands(found.fix)).toEqual(['ip route add 0.0.0.0/0 via 172.16.0.1 dev eth0']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('for IPv6, which no source validation hides', () => {
  const found = soleDiagnosis(without6);
  expect(found).toMatchObject({ cause: 'upstream/no-route-to-client', host: 'dev2', services: ['http:80/#web6'] });
  expect(commands(found.fix)).toEqual(['ip -6 route add ::/0 via fd00:16::1 dev eth0']);
  expect(leftAfterCures(without6)).toEqual([]);
});

test('both families have one cure', () => {
  const found = soleDiagnosis([without4, without6]);
  expect(commands(found.fix).sort()).toEqual([
    'ip -6 route add ::/0 via fd00:16::1 dev eth0',
    'ip route add 0.0.0.0/0 via 172.16.0.1 dev eth0',
  ]);
  expect(leftAfterCures([without4, without6])).toEqual([]);
});

test('two upstreams are two faults, each on its host', () => {
  expect(causesOf(examineArticle([without4, dropRoute('dev3', '0.0.0.0/0')]))).toEqual([
    'upstream/no-route-to-client dev2',
    'upstream/no-route-to-client dev3',
  ]);
});

test("a rule for the upstream's own address that leads to nginx is enough", () => {
  const from = changeFact('dev2', 'policyRules', (rules) => [
    ...rules,
    { family: 4 as const, priority: 1000, from: '172.16.0.12', action: 'table' as const, table: '200' },
  ]);
  expectHealthy([without4, from, addRoute('dev2', defaultRoute('172.16.0.1', 'eth0', '200'))]);
});

test("a route to the clients' network alone is enough", () => {
  expectHealthy([without4, addRoute('dev2', { to: '192.168.99.0/24', nextHops: [{ link: 'eth0', via: '172.16.0.1' }] })]);
});

test('a route that refuses the client is taken away', () => {
  const change = addRoute('dev2', { to: '192.168.99.50/32', type: 'blackhole', nextHops: [] });
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'upstream/no-route-to-client', host: 'dev2' });
  expect(commands(found.fix)).toEqual(['ip route del blackhole 192.168.99.50/32']);
  expect(leftAfterCures(change)).toEqual([]);
});
