import { expect, test } from 'vitest';
import { addressOf, type Change, mangle4 } from '../../kit/article.js';
import { addRoute, changeFact, dropRoute, setForwarding, setIptables, setSysctl } from '../../kit/change.js';
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

const detour = (via?: string): Change =>
  addRoute('proxy', { to: '172.16.0.12/32', nextHops: [{ link: via ? 'eth1' : 'eth0', ...(via ? { via } : {}) }] });
const unpinged = changeFact('proxy', 'pings', (pings) =>
  pings.map((ping) => (ping.to === addressOf('dev2') ? { ...ping, ok: false } : ping)),
);
const neighbour = (link: string, address: string, state: string, mac?: string): Change =>
  changeFact('proxy', 'neighbours', (all) => [...all, { link, address, states: [state], ...(mac ? { mac } : {}) }]);

test.each([
  ['proven by ARP', 'proven', [detour(), unpinged, neighbour('eth0', '172.16.0.12', 'FAILED')], 'dev eth0'],
  ['with an ARP table that has forgotten', 'consistent', [detour(), unpinged], 'dev eth0'],
  [
    'by a gateway that nobody is',
    'proven',
    [detour('172.16.0.9'), unpinged, neighbour('eth1', '172.16.0.9', 'FAILED')],
    'via 172.16.0.9 dev eth1',
  ],
])('a route that leads elsewhere goes: %s', (_, certainty, change, words) => {
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/route-to-upstream-wrong', host: 'proxy', severity: 'fault', certainty });
  expect(commands(found.fix)).toEqual([`ip route del 172.16.0.12/32 ${words}`]);
  expect(leftAfterCures(change)).toEqual([]);
});

test.each([
  ['the upstream answers', [detour()]],
  ['somebody answers for its link address', [detour(), unpinged, neighbour('eth0', '172.16.0.12', 'STALE', '02:aa:00:00:00:01')]],
  ['the gateway answers for its own', [detour('172.16.0.9'), unpinged, neighbour('eth1', '172.16.0.9', 'REACHABLE', '02:aa:00:00:00:01')]],
  ['the gateway was not asked of late', [detour('172.16.0.9'), unpinged]],
  ['the gateway is a host that was named', [setForwarding('dev3', 1), detour(addressOf('dev3')), unpinged]],
])('a detour is fine where %s', (_, change) => {
  // Replies come in by the other link.
  expectHealthy([...change, setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0)]);
});

test('a rule that marks what nginx sends leads it to the local table, and goes', () => {
  const change = setIptables('proxy', 'mangle', [...mangle4, '-A OUTPUT -d 172.16.0.12/32 -j MARK --set-xmark 0x1/0x1']);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/route-to-upstream-wrong', host: 'proxy', severity: 'fault' });
  expect(commands(found.fix)).toEqual(['iptables-nft -t mangle -D OUTPUT -d 172.16.0.12/32 -j MARK --set-xmark 0x1/0x1']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a mark that another chain than one of type route gives comes too late for the route, and is fine', () => {
  expectHealthy(setIptables('proxy', 'filter', ['-A OUTPUT -d 172.16.0.12/32 -j MARK --set-xmark 0x1/0x1']));
});
