import { expect, test } from 'vitest';
import { addressOf, rewriteFilter, type upstreams } from '../../kit/article.js';
import { changeFact } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const rewritesItself = (name: (typeof upstreams)[number]) =>
  changeFact(name, 'trafficControl', () => ({
    qdiscs: [{ link: 'eth0', kind: 'htb', handle: '10:' }],
    filters: [rewriteFilter(addressOf(name))],
  }));

test('the upstream stops what the router does', () => {
  const found = soleDiagnosis(rewritesItself('dev2'));
  expect(found).toMatchObject({ cause: 'dsr/rewrite-twice', host: 'dev2', severity: 'fault', services: ['udp:53'] });
  expect(commands(found.fix)).toEqual(['tc filter del dev eth0 parent 10: protocol ip prio 10']);
  expect(leftAfterCures(rewritesItself('dev2'))).toEqual([]);
});

test('an upstream that rewrites answers of another service is fine', () => {
  expectHealthy(
    changeFact('dev2', 'trafficControl', () => ({
      qdiscs: [{ link: 'eth0', kind: 'htb', handle: '10:' }],
      filters: [rewriteFilter('172.16.0.12', { match: { source: '172.16.0.12', sourcePort: { value: 123, mask: 0xffff } } })],
    })),
  );
});
