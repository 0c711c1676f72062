import { expect, test } from 'vitest';
import type { TracePattern } from '../../../src/types.js';
import { changeFact, setIptables } from '../../kit/change.js';
import { diagnosesWith, dnsWay, ended, inVersion6, observation, points, step, vanished, webWay } from '../../kit/observed.js';
import { examineArticle } from '../../kit/rules.js';

const cause = 'network/spoofed-source-dropped';
const nothingBeyondProxy = [vanished(webWay(1), 3), vanished(webWay(2), 3)];

const causes = (...args: Parameters<typeof diagnosesWith>) => diagnosesWith(...args).map((found) => `${found.cause} ${found.host}`);

test('what leaves under the client’s address and never comes in is dropped between the hosts', () => {
  const [found, ...others] = diagnosesWith(observation(nothingBeyondProxy));
  expect(others).toEqual([]);
  expect(found).toMatchObject({ cause, host: 'proxy', severity: 'fault', certainty: 'proven', services: ['http:80/#web'], fix: [] });
  expect(found?.evidence.map(({ host, source }) => `${host}: ${source}`)).toEqual(
    expect.arrayContaining(['proxy: capture proxy/eth1', 'dev1: capture dev1/eth0', 'proxy: ping 172.16.0.11 (and 1 more like it)']),
  );
});

test.each([
  [{ vendor: 'Amazon EC2', product: 't3.small' }, /no-source-dest-check/],
  [{ vendor: 'Google', product: 'Google Compute Engine' }, /can-ip-forward/],
  [{ vendor: 'OpenStack Foundation', product: 'OpenStack Nova' }, /allowed-address/],
  [{ vendor: 'Microsoft Corporation', product: 'Virtual Machine' }, /ip-forwarding/],
  [{ vendor: 'VMware, Inc.', product: 'VMware7,1' }, /SpoofGuard/],
  [{ vendor: 'QEMU', product: 'Standard PC (Q35 + ICH9, 2009)' }, /clean-traffic/],
  [{ vendor: 'Amazon EC2', virtualization: 'lxc' }, /ipv4_filtering/],
])('on %o the platform’s own switch is named', (machine, advice) => {
  const platform = changeFact('proxy', 'platform', (known) => ({ ...known, ...machine }));
  expect(diagnosesWith(observation(nothingBeyondProxy), platform)[0]?.steps.at(-1)).toMatch(advice);
});

test('a point that saw nothing at all leaves room for doubt', () => {
  const observed = observation([vanished(webWay(1), 3)], { points: points({ 'dev1 eth0': { packets: 0 } }) });
  expect(diagnosesWith(observed)[0]).toMatchObject({ cause, certainty: 'consistent' });
});

test('where pings do not get through either, sources are not the only suspects', () => {
  const deaf = changeFact('proxy', 'pings', (pings) => pings.map((ping) => ({ ...ping, ok: false })));
  expect(diagnosesWith(observation(nothingBeyondProxy), deaf).find((found) => found.cause === cause)).toMatchObject({
    certainty: 'possible',
  });
});

test('upstreams that rewrite their own replies send under a foreign address, too', () => {
  const origin = step('dev1 eth0 out', '192.168.99.10:53', '192.168.99.50:41234', 'answer');
  // The walk of the article leads through the proxy, which is where the reply would have had to come in.
  const observed = observation([vanished([...dnsWay(1).slice(0, 4), origin], 5)]);
  expect(causes(observed)).toEqual([`${cause} dev1`]);
});

test('what comes through in the other address family excuses nothing', () => {
  const other = ended(inVersion6(webWay(1)), 'delivered', { service: 'http:80/#web6', upstream: 'fd00:16::11' });
  expect(causes(observation([vanished(webWay(1), 3), other]))).toEqual([`${cause} proxy`]);
});

const fine: Readonly<Record<string, TracePattern[]>> = {
  'everything is delivered': [ended(webWay(1), 'delivered'), ended(dnsWay(2), 'delivered')],
  'the upstream saw it and is silent': [vanished(webWay(1), 4)],
  'nginx’s host took it in and sent nothing': [vanished(webWay(1), 2)],
  'some of the same hosts came through': [vanished(webWay(1), 3), ended(webWay(1), 'delivered')],
  'it may still be under way': [{ ...vanished(webWay(1), 3), end: 'ambiguous' }],
};

test.each(Object.entries(fine))('nothing is concluded where %s', (_, patterns) => {
  expect(causes(observation(patterns)).filter((found) => found.startsWith('network/'))).toEqual([]);
});

test.each([
  ['dropped packets', points({ 'dev1 eth0': { dropped: 1 } })],
  ['is not there', points({ 'dev1 eth0': undefined })],
])('nothing is concluded where the next host’s capture %s', (_, some) => {
  expect(causes(observation([vanished(webWay(1), 3)], { points: some }))).toEqual([]);
});

test('a predicted cause on the way wins', () => {
  const drop = setIptables('proxy', 'filter', ['-A OUTPUT -o eth1 -p tcp -m tcp --dport 80 -j DROP']);
  const found = causes(observation(nothingBeyondProxy), drop);
  expect(found.length).toBeGreaterThan(0);
  expect(found).not.toContain(`${cause} proxy`);
});

test('without captures nobody is suspected', () => {
  expect(examineArticle().diagnoses.filter((found) => found.cause === cause)).toEqual([]);
});
