import { expect, test } from 'vitest';
import { setSysctl } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const set = (link: string, value = 1) => setSysctl('proxy', `net/ipv4/conf/${link}/src_valid_mark`, value);

test.each(['eth1', 'all'])('src_valid_mark of %s drops every marked reply over IPv4', (link) => {
  const found = soleDiagnosis(set(link));
  expect(found).toMatchObject({ cause: 'proxy/src-valid-mark', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:5300']);
  expect(commands(found.fix)).toEqual([`sysctl -w net.ipv4.conf.${link}.src_valid_mark=0`]);
  expect(leftAfterCures(set(link))).toEqual([]);
});

test('both values are cleared where both are set', () => {
  const change = [set('all'), set('eth1')];
  expect(commands(soleDiagnosis(change).fix)).toEqual([
    'sysctl -w net.ipv4.conf.all.src_valid_mark=0',
    'sysctl -w net.ipv4.conf.eth1.src_valid_mark=0',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('it is dropped with rp_filter off as well, because the mark makes custom routing', () => {
  const change = [set('all'), setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0)];
  expect(soleDiagnosis(change).cause).toBe('proxy/src-valid-mark');
});

test.each(['eth1', 'all'])('with accept_local of %s and rp_filter off it is fine', (link) => {
  expectHealthy([
    set('eth1'),
    setSysctl('proxy', `net/ipv4/conf/${link}/accept_local`, 1),
    setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0),
  ]);
});

test('on the link towards the clients it is fine', () => {
  expectHealthy(set('eth0'));
});
