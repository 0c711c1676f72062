import { expect, test } from 'vitest';
import { setSysctl } from '../../kit/change.js';
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
