import { expect, test } from 'vitest';
import { client } from '../../kit/article.js';
import { addRoute, changeFact, dropRoute, setSysctl } from '../../kit/change.js';
import { commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const blackhole = addRoute('proxy', { to: `${client}/32`, type: 'blackhole' });
const cause = 'network/hosts-unreachable';

test.each([
  ['off', 0],
  ['loose', 2],
])('a route that refuses the client goes, with rp_filter %s', (_, mode) => {
  const change = [blackhole, setSysctl('proxy', 'net/ipv4/conf/eth0/rp_filter', mode)];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause, host: 'proxy', severity: 'fault', services: ['http:80/#web', 'udp:53', 'udp:5300'] });
  expect(commands(found.fix)).toEqual([`ip route del blackhole ${client}/32`]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('without the route of its subnet the client gets one of its own', () => {
  const change = dropRoute('proxy', '192.168.99.0/24');
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause, host: 'proxy' });
  expect(commands(found.fix)).toEqual([`ip route add ${client}/32 dev eth0`]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('what refuses others is fine', () => {
  expectHealthy(addRoute('proxy', { to: '192.168.99.128/25', type: 'blackhole' }));
});

test('a client that answers no ping is no cause', () => {
  expectHealthy(changeFact('proxy', 'pings', (pings) => pings.map((ping) => (ping.to === client ? { ...ping, ok: false } : ping))));
});

test('a client that nobody named is not missed', () => {
  const { diagnoses } = examineArticle([(hosts) => void hosts.delete('client')]);
  expect(diagnoses.filter((found) => found.cause === cause)).toEqual([]);
});
