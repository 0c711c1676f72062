import { expect, test } from 'vitest';
import { client6 } from '../../kit/article.js';
import { addAddress, addRoute, changeFact, setSysctl } from '../../kit/change.js';
import { defaultRoute } from '../../kit/host.js';
import { causesOf, commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const link = changeFact('dev2', 'links', (links) => [
  ...links,
  { name: 'eth1', index: 3, up: true, state: 'UP', mtu: 1500, mac: '02:00:77:77:00:02' },
]);
const near4 = [link, addAddress('dev2', 'eth1', '192.168.99.60/24')];
const near6 = [link, addAddress('dev2', 'eth1', 'fd00:99::60/64')];
const outward = addRoute('proxy', defaultRoute('192.168.99.1', 'eth0'));
const filter = (value: number) => setSysctl('dev2', 'net/ipv4/conf/eth0/rp_filter', value);

test.each([0, 1, 2])('a second link among the clients is one fault of the upstream, with rp_filter %d', (value) => {
  const change = [...near4, filter(value)];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'upstream/client-on-connected-subnet', host: 'dev2', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:53', 'udp:5300']);
  expect(commands(found.fix)).toEqual([
    'ip route add 172.16.0.0/28 dev eth0 table 100',
    'ip route add 0.0.0.0/0 via 172.16.0.1 dev eth0 table 100',
    'ip rule add from 172.16.0.12 lookup 100 priority 32765',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('for IPv6', () => {
  const found = soleDiagnosis(near6);
  expect(found).toMatchObject({ cause: 'upstream/client-on-connected-subnet', host: 'dev2', services: ['http:80/#web6'] });
  expect(commands(found.fix).at(-1)).toBe('ip -6 rule add from fd00:16::12 lookup 100 priority 32765');
  expect(leftAfterCures(near6)).toEqual([]);
});

test('each family gets a table of its own, so that no step meets the routes of another', () => {
  const both = [...near4, addAddress('dev2', 'eth1', 'fd00:99::60/64')];
  const found = commands(examineArticle(both).diagnoses.find(({ host }) => host === 'dev2')?.fix ?? []);
  expect(found.filter((command) => / rule add /.test(command))).toEqual([
    'ip rule add from 172.16.0.12 lookup 100 priority 32765',
    'ip -6 rule add from fd00:16::12 lookup 101 priority 32765',
  ]);
  expect(leftAfterCures(both)).toEqual([]);
});

test('clients that nobody saw there are no fault: the same subnet, other clients', () => {
  const report = examineArticle([...near4, outward], { clients: ['203.0.113.9', client6] });
  expect(causesOf(report)).toEqual([]);
  expect(report.verdict).toBe('healthy');
});

test("a rule for the upstream's own address that leads to nginx is enough", () => {
  const from = changeFact('dev2', 'policyRules', (rules) => [
    ...rules,
    { family: 4 as const, priority: 1000, from: '172.16.0.12', action: 'table' as const, table: '200' },
  ]);
  expectHealthy([...near4, from, addRoute('dev2', { to: '0.0.0.0/0', table: '200', nextHops: [{ link: 'eth0', via: '172.16.0.1' }] })]);
});

test('a host route for the client by way of nginx is enough', () => {
  expectHealthy([...near4, addRoute('dev2', { to: '192.168.99.50/32', nextHops: [{ link: 'eth0', via: '172.16.0.1' }] })]);
});

test('where the upstream has an address among the clients on its one link, the way back is still by the link that nginx asks on', () => {
  const overlapping = addAddress('dev2', 'eth0', '192.168.99.13/24');
  const found = soleDiagnosis(overlapping);
  expect(found).toMatchObject({ cause: 'upstream/client-on-connected-subnet', host: 'dev2' });
  expect(commands(found.fix)).toContain('ip route add 0.0.0.0/0 via 172.16.0.1 dev eth0 table 100');
  expect(leftAfterCures(overlapping)).toEqual([]);
});
