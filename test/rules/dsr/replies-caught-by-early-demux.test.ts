import { expect, test } from 'vitest';
import { setSysctl } from '../../kit/change.js';
import { diagnosesWith, dnsWay, ended, observation, points, vanished } from '../../kit/observed.js';
import { causesOf, commands, examineArticle, expectHealthy, withoutDsr } from '../../kit/rules.js';
import { broughtAbout } from '../../kit/standing-risks.js';

const on = setSysctl('proxy', 'net/ipv4/udp_early_demux', 1);

test("router NAT on nginx's own host with early demux is a risk, not a fault", () => {
  const report = examineArticle(on);
  expect(causesOf(report)).toEqual(['dsr/replies-caught-by-early-demux proxy']);
  expect(report.verdict).toBe('healthy');
  const [found] = broughtAbout(report.diagnoses);
  expect(found).toMatchObject({ severity: 'risk', certainty: 'consistent', services: ['udp:53'] });
  expect(commands(found?.fix ?? [])).toEqual(['sysctl -w net.ipv4.udp_early_demux=0']);
  expectHealthy([on, setSysctl('proxy', 'net/ipv4/udp_early_demux', 0)]);
});

test('udp_early_demux does nothing where early demux as a whole is off', () => {
  expectHealthy([on, setSysctl('proxy', 'net/ipv4/ip_early_demux', 0)]);
});

test('without a DSR service there is nothing to lose', () => {
  expectHealthy([on, withoutDsr]);
});

test('on an upstream it does no harm', () => {
  expectHealthy(setSysctl('dev1', 'net/ipv4/udp_early_demux', 1));
});

const cause = 'dsr/replies-caught-by-early-demux';
const found = (...args: Parameters<typeof diagnosesWith>) => diagnosesWith(...args).filter((diagnosis) => diagnosis.cause === cause);
const delivered = ended(dnsWay(2), 'delivered');
const caught = vanished(dnsWay(1), 6, { count: 3 });

test('packets that show replies come in and not go out make it a fault, proven', () => {
  const [diagnosis, ...others] = found(observation([caught, delivered]), on);
  expect(others).toEqual([]);
  expect(diagnosis).toMatchObject({ host: 'proxy', severity: 'fault', certainty: 'proven', services: ['udp:53'] });
  expect(diagnosis?.evidence[0]).toMatchObject({ what: expect.stringMatching(/^3 of 13 replies /), source: 'capture proxy/eth1' });
  expect(commands(diagnosis?.fix ?? [])).toEqual(['sysctl -w net.ipv4.udp_early_demux=0']);
});

test.each([
  ['missed packets', points({ 'proxy eth0': { dropped: 1 } })],
  ['saw one side of the host alone', points({ 'proxy eth0': undefined })],
])('a capture that %s proves no loss', (_, seen) => {
  expect(found(observation([caught, delivered], { points: seen }), on)).toMatchObject([{ severity: 'fault', certainty: 'consistent' }]);
});

test.each([
  ['go well', [delivered]],
  ['are lost behind this host', [vanished(dnsWay(1), 7), delivered]],
  ['never came back', [vanished(dnsWay(1), 4), delivered]],
])('replies that %s are not caught here', (_, patterns) => {
  expect(found(observation(patterns), on)).toMatchObject([{ severity: 'risk', certainty: 'consistent' }]);
});

test('what a host loses with early demux off has another cause', () => {
  expect(found(observation([caught, delivered]))).toEqual([]);
});
