import { expect, test } from 'vitest';
import { setIptables } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('a policy against forwarding gets a rule for the replies', () => {
  const change = setIptables('proxy', 'filter', [], { policies: { FORWARD: 'DROP' } });
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'dsr/firewall-drops-reply', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(commands(found.fix)).toEqual([
    'iptables-nft -t filter -I FORWARD -s 172.16.0.11,172.16.0.12,172.16.0.13,172.16.0.14 -p udp -m udp --sport 53 -j ACCEPT',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('such a policy with a rule for the replies is fine', () => {
  expectHealthy(setIptables('proxy', 'filter', ['-A FORWARD -p udp -m udp --sport 53 -j ACCEPT'], { policies: { FORWARD: 'DROP' } }));
});

test("the client's own firewall drops what does not come from where it asked, and then it is the client that is told", () => {
  const change = setIptables('client', 'filter', ['-A INPUT -p udp -m udp --sport 53 -j DROP']);
  expect(soleDiagnosis(change)).toMatchObject({ cause: 'dsr/firewall-drops-reply', host: 'client', services: ['udp:53'] });
  expect(leftAfterCures(change)).toEqual([]);
  const stateful = ['-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'];
  expectHealthy(setIptables('client', 'filter', stateful, { policies: { INPUT: 'DROP' } }));
});
