import { expect, test } from 'vitest';
import { addHost, addRoute, setForwarding, setIptables, setSysctl } from '../../kit/change.js';
import { makeHost } from '../../kit/host.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('requests to the upstreams are taken out of a rule for all that leaves', () => {
  const change = setIptables('proxy', 'nat', ['-A POSTROUTING -o eth1 -j MASQUERADE']);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/masquerade-hides-client', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:53', 'udp:5300']);
  expect(commands(found.fix)).toContain(
    'iptables-nft -t nat -I POSTROUTING -o eth1 -d 172.16.0.11,172.16.0.12,172.16.0.13,172.16.0.14 -p tcp -m tcp --dport 80 -j ACCEPT',
  );
  expect(leftAfterCures(change)).toEqual([]);
});

test("masquerading of the upstreams' own traffic is fine", () => {
  expectHealthy(setIptables('proxy', 'nat', ['-A POSTROUTING -s 172.16.0.0/28 -o eth0 -j MASQUERADE']));
});

/** Requests to dev2 take a router between; the upstream's replies do not. */
const overRouter = [
  addHost(makeHost({ name: 'gw', links: { eth0: ['192.168.99.2/24'], eth1: ['172.16.0.2/24'] } })),
  setForwarding('gw', 1),
  setSysctl('proxy', 'net/ipv4/conf/all/rp_filter', 2),
  addRoute('proxy', { to: '172.16.0.12/32', nextHops: [{ via: '192.168.99.2', link: 'eth0' }] }),
];

test('a router between nginx and the upstreams that masquerades one port is where the cure is typed', () => {
  const change = [...overRouter, setIptables('gw', 'nat', ['-A POSTROUTING -o eth1 -p udp -m udp --dport 5300 -j MASQUERADE'])];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/masquerade-hides-client', host: 'gw', services: ['udp:5300'] });
  expect(commands(found.fix)).toEqual(['iptables-nft -t nat -I POSTROUTING -o eth1 -d 172.16.0.12 -p udp -m udp --dport 5300 -j ACCEPT']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a router that masquerades what others send is fine', () => {
  expectHealthy([...overRouter, setIptables('gw', 'nat', ['-A POSTROUTING -s 10.0.0.0/8 -o eth1 -j MASQUERADE'])]);
});
