import { expect, test } from 'vitest';
import { changeFact, setIptables } from '../../kit/change.js';
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

test('a rule against its own replies is the same fault the other way', () => {
  const change = setIptables('dev2', 'filter', ['-A OUTPUT -p tcp -m tcp --sport 80 -j DROP']);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'upstream/firewall-drops-request', host: 'dev2', severity: 'fault', services: ['http:80/#web'] });
  expect(commands(found.fix)).toEqual(['iptables-nft -t filter -I OUTPUT -s 172.16.0.12 -p tcp -m tcp --sport 80 -j ACCEPT']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a rule at the link itself drops before all others, and only for this link', () => {
  const at = (device: string) =>
    changeFact('dev2', 'nft', (tables) => [
      ...tables,
      {
        source: 'nft',
        family: 'netdev',
        name: 'early',
        sets: {},
        chains: [
          {
            name: 'in',
            base: { hook: 'ingress', priority: 0, type: 'filter', devices: [device] },
            policy: 'accept',
            rules: [
              {
                text: 'tcp dport 80 drop',
                handle: 3,
                steps: [{ match: 'port', side: 'destination', not: false, among: [[80, 80]], ipProtocols: [6] }, { do: 'drop' }],
              },
            ],
          },
        ],
      },
    ]);
  expect(soleDiagnosis(at('eth0'))).toMatchObject({ cause: 'upstream/firewall-drops-request', host: 'dev2' });
  expectHealthy(at('eth9'));
});
