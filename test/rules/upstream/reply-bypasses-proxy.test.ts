import { expect, test } from 'vitest';
import { addHost, addRoute, changeFact, dropRoute } from '../../kit/change.js';
import { defaultRoute, makeHost } from '../../kit/host.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const other4 = [dropRoute('dev2', '0.0.0.0/0'), addRoute('dev2', defaultRoute('172.16.0.2', 'eth0'))];
const other6 = [dropRoute('dev2', '::/0'), addRoute('dev2', { ...defaultRoute('fd00:16::2', 'eth0') })];
const router = addHost(
  makeHost({
    name: 'router',
    links: { eth0: ['172.16.0.2/28'], eth1: ['192.168.99.2/24'] },
    facts: { sysctls: { 'net/ipv4/ip_forward': '1', 'net/ipv4/conf/eth0/forwarding': '1', 'net/ipv4/conf/eth1/forwarding': '1' } },
  }),
);

test('another gateway than nginx, which nobody named', () => {
  const found = soleDiagnosis(other4);
  expect(found).toMatchObject({ cause: 'upstream/reply-bypasses-proxy', host: 'dev2', severity: 'fault' });
  expect(found.services).toEqual(expect.arrayContaining(['http:80/#web', 'udp:5300']));
  expect(commands(found.fix)).toEqual(['ip route replace 0.0.0.0/0 via 172.16.0.1 dev eth0']);
  expect(leftAfterCures(other4)).toEqual([]);
});

test('another gateway that was named', () => {
  const change = [...other4, router];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'upstream/reply-bypasses-proxy', host: 'dev2', services: ['http:80/#web', 'udp:53', 'udp:5300'] });
  expect(commands(found.fix)).toEqual(['ip route replace 0.0.0.0/0 via 172.16.0.1 dev eth0']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('for IPv6', () => {
  const found = soleDiagnosis(other6);
  expect(found).toMatchObject({ cause: 'upstream/reply-bypasses-proxy', host: 'dev2', services: ['http:80/#web6'] });
  expect(commands(found.fix)).toEqual(['ip -6 route del ::/0 via fd00:16::2 dev eth0', 'ip -6 route add ::/0 via fd00:16::1 dev eth0']);
  expect(leftAfterCures(other6)).toEqual([]);
});

test("another default gateway is fine where the upstream's own address is routed by nginx", () => {
  const from = changeFact('dev2', 'policyRules', (rules) => [
    ...rules,
    { family: 4 as const, priority: 1000, from: '172.16.0.12', action: 'table' as const, table: '200' },
  ]);
  expectHealthy([...other4, from, addRoute('dev2', defaultRoute('172.16.0.1', 'eth0', '200'))]);
});

test("another default gateway is fine where the clients' network is routed by nginx", () => {
  expectHealthy([...other4, addRoute('dev2', { to: '192.168.99.0/24', nextHops: [{ link: 'eth0', via: '172.16.0.1' }] })]);
});
