import { expect, test } from 'vitest';
import { addressOf, rewriteFilter, upstreams } from '../../kit/article.js';
import { changeFact, setSysctl } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const rewritesItself = (name: (typeof upstreams)[number]) =>
  changeFact(name, 'trafficControl', () => ({
    qdiscs: [{ link: 'eth0', kind: 'htb', handle: '10:' }],
    filters: [rewriteFilter(addressOf(name))],
  }));

const atOrigin = [changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] })), ...upstreams.map(rewritesItself)];

test('the host that owns the new address has to accept it as a source', () => {
  const found = soleDiagnosis(atOrigin);
  expect(found).toMatchObject({ cause: 'dsr/origin-nat-through-proxy', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(commands(found.fix)).toEqual(['sysctl -w net.ipv4.conf.eth1.accept_local=1', 'sysctl -w net.ipv4.conf.eth1.rp_filter=2']);
  expect(leftAfterCures(atOrigin)).toEqual([]);
});

test('where it does so already it is fine', () => {
  const accepting = [setSysctl('proxy', 'net/ipv4/conf/eth1/accept_local', 1), setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0)];
  expectHealthy([...atOrigin, ...accepting]);
});
