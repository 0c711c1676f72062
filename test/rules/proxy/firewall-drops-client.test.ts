import { expect, test } from 'vitest';
import { setIptables } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('a rule against the request gives way to one for it', () => {
  const change = setIptables('proxy', 'filter', ['-A INPUT -i eth0 -p tcp -m tcp --dport 80 -j DROP']);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/firewall-drops-client', host: 'proxy', severity: 'fault', services: ['http:80/#web'] });
  expect(commands(found.fix)).toEqual(['iptables-nft -t filter -I INPUT -i eth0 -p tcp -m tcp --dport 80 -j ACCEPT']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a strict policy that admits clients and replies is fine', () => {
  const rules = ['-A INPUT -i eth0 -j ACCEPT', '-A INPUT -m mark --mark 0x1 -j ACCEPT'];
  expectHealthy(setIptables('proxy', 'filter', rules, { policies: { INPUT: 'DROP' } }));
});
