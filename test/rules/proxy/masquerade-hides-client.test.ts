import { expect, test } from 'vitest';
import { setIptables } from '../../kit/change.js';
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
