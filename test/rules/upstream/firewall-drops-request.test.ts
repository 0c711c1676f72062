import { expect, test } from 'vitest';
import { setIptables } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('rules that admit nginx alone get one for clients, service by service', () => {
  const change = setIptables('dev1', 'filter', ['-A INPUT -s 172.16.0.1/32 -j ACCEPT'], { policies: { INPUT: 'DROP' } });
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'upstream/firewall-drops-request', host: 'dev1', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:53', 'udp:5300']);
  expect(commands(found.fix)).toContain('iptables-nft -t filter -I INPUT -i eth0 -p tcp -m tcp --dport 80 -j ACCEPT');
  expect(leftAfterCures(change)).toEqual([]);
});

test('a strict policy that admits the services is fine', () => {
  const rules = ['-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT', '-A INPUT -p udp -m multiport --dports 53,5300 -j ACCEPT'];
  expectHealthy(setIptables('dev1', 'filter', rules, { policies: { INPUT: 'DROP' } }));
});
