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

test('a rule that lets only own addresses out drops what nginx sends under the address of the client', () => {
  const change = setIptables('proxy', 'filter', ['-A OUTPUT ! -s 172.16.0.1/32 -o eth1 -j DROP']);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/firewall-drops-client', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:53', 'udp:5300']);
  expect(commands(found.fix)[0]).toMatch(
    /^iptables-nft -t filter -I OUTPUT -o eth1 -d 172\.16\.0\.11,\S+ -p tcp -m tcp --dport 80 -j ACCEPT$/,
  );
  expect(leftAfterCures(change)).toEqual([]);
  expectHealthy(setIptables('proxy', 'filter', ['-A OUTPUT ! -s 172.16.0.1/32 -o eth0 -d 10.0.0.0/8 -j DROP']));
});
