import { expect, test } from 'vitest';
import type { FirewallTable } from '../../../src/types.js';
import { changeFact, setIptables } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('a policy that knows no replies to others gets a rule for their mark', () => {
  const change = setIptables('proxy', 'filter', ['-A INPUT -i eth0 -j ACCEPT'], { policies: { INPUT: 'DROP' } });
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({
    cause: 'proxy/firewall-drops-reply',
    host: 'proxy',
    severity: 'fault',
    services: ['http:80/#web', 'udp:5300'],
  });
  expect(commands(found.fix)).toEqual(['iptables-nft -t filter -I INPUT -i eth1 -m mark --mark 0x1 -j ACCEPT']);
  expect(leftAfterCures(change)).toEqual([]);
});

const nftInput: FirewallTable = {
  source: 'nft',
  family: 'inet',
  name: 'filter',
  chains: [
    {
      name: 'input',
      base: { hook: 'input', priority: 0, type: 'filter' },
      policy: 'drop',
      rules: [
        { text: 'iifname "eth0" accept', steps: [{ match: 'interface', side: 'in', not: false, among: ['eth0'] }, { do: 'accept' }] },
      ],
    },
  ],
  sets: {},
};

test('in nft the rule goes to the top of the chain that drops', () => {
  const change = changeFact('proxy', 'nft', (tables) => [...tables, nftInput]);
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/firewall-drops-reply', host: 'proxy' });
  expect(commands(found.fix)).toEqual([
    expect.stringContaining(`nft 'insert rule inet filter input iifname "eth1" meta mark 0x1 accept comment "tpdoctor `),
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('established connections may come in: replies belong to them', () => {
  const rules = ['-A INPUT -i eth0 -j ACCEPT', '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'];
  expectHealthy(setIptables('proxy', 'filter', rules, { policies: { INPUT: 'DROP' } }));
});

/** What firewalld does for IPv6_rpfilter=yes, at a priority of prerouting. */
const wayBack = (priority: number) =>
  changeFact('proxy', 'nft', (tables) => [
    ...tables,
    {
      source: 'nft',
      family: 'inet',
      name: 'strict',
      chains: [
        {
          name: 'p',
          base: { hook: 'prerouting', priority, type: 'filter' },
          policy: 'accept',
          rules: [
            {
              text: 'meta nfproto ipv6 fib saddr . mark . iif oif missing drop',
              steps: [
                { match: 'family', not: false, family: 6 },
                { match: 'reverse-path', not: true, loose: false, mark: true },
                { do: 'drop' },
              ],
            },
          ],
        },
      ],
      sets: {},
    },
  ]);

test('the way back to an upstream, looked up with the mark, leads to nginx: a filter by it drops what is marked before', () => {
  const found = soleDiagnosis(wayBack(10));
  expect(found).toMatchObject({ cause: 'proxy/firewall-drops-reply', host: 'proxy', services: ['http:80/#web6'] });
  expect(leftAfterCures(wayBack(10))).toEqual([]);
});

test('before the mark is given the same filter does no harm', () => {
  expectHealthy(wayBack(-290));
});
