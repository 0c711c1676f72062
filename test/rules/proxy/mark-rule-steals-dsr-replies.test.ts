import { expect, test } from 'vitest';
import { mangle4 } from '../../kit/article.js';
import { setIptables } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const broad = '-A PREROUTING -s 172.16.0.0/28 -p udp -j MARK --set-xmark 0x1/0xffffffff';
const spared = '-A PREROUTING -p udp -m udp --sport 53 -j ACCEPT';

test('DSR replies are taken out of a rule for all of UDP', () => {
  const change = setIptables('proxy', 'mangle', [...mangle4, broad]);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/mark-rule-steals-dsr-replies', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(commands(found.fix)).toEqual([
    'iptables-nft -t mangle -I PREROUTING -s 172.16.0.11,172.16.0.12,172.16.0.13,172.16.0.14 -p udp -m udp --sport 53 -j ACCEPT',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a broad rule after one that lets them pass is fine', () => {
  expectHealthy(setIptables('proxy', 'mangle', [spared, ...mangle4, broad]));
});
