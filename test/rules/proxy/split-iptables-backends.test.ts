import { expect, test } from 'vitest';
import { parseIptablesSave } from '../../../src/facts/netfilter/iptables-save.js';
import { changeFact } from '../../kit/change.js';
import { commands, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const legacy = (text: string) =>
  changeFact('proxy', 'iptablesLegacy', () => parseIptablesSave(text, { source: 'iptables-legacy', family: 4 }));
const filter = (...rules: string[]) => `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`;

test('rules in both back ends are a risk, and move one by one', () => {
  const found = soleDiagnosis(legacy(filter('-A INPUT -s 203.0.113.9/32 -m comment --comment "two words" -j DROP')));
  expect(found).toMatchObject({ cause: 'proxy/split-iptables-backends', host: 'proxy', severity: 'risk' });
  expect(commands(found.fix)).toEqual([
    "iptables-nft -t filter -A INPUT -s 203.0.113.9/32 -m comment --comment 'two words' -j DROP",
    "iptables-legacy -t filter -D INPUT -s 203.0.113.9/32 -m comment --comment 'two words' -j DROP",
  ]);
});

test('chains of one own are more than can be moved blindly', () => {
  const found = soleDiagnosis(
    legacy('*filter\n:INPUT ACCEPT [0:0]\n:mine - [0:0]\n-A INPUT -j mine\n-A mine -s 203.0.113.9/32 -j DROP\nCOMMIT\n'),
  );
  expect(found.fix).toEqual([]);
});

test('tables that a look has left behind are empty, and fine', () => {
  expectHealthy(legacy(filter()));
});
