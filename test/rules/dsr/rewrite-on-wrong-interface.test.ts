import { expect, test } from 'vitest';
import type { TcFilter } from '../../../src/types.js';
import { addressOf, rewriteFilter, upstreams } from '../../kit/article.js';
import { changeFact } from '../../kit/change.js';
import { expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const filters = (...links: readonly string[]) =>
  changeFact('proxy', 'trafficControl', () => ({
    qdiscs: links.map((link) => ({ link, kind: 'htb', handle: '10:' })),
    filters: links.flatMap((link) => upstreams.map((name): TcFilter => rewriteFilter(addressOf(name), { link }))),
  }));

test('filters on the link towards the upstreams never see the replies leave', () => {
  const found = soleDiagnosis(filters('eth1'));
  expect(found).toMatchObject({ cause: 'dsr/rewrite-on-wrong-interface', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(leftAfterCures(filters('eth1'))).toEqual([]);
});

test('filters on the way in are no pattern for the right ones', () => {
  const wayIn = changeFact('proxy', 'trafficControl', () => ({
    qdiscs: [{ link: 'eth0', kind: 'clsact', handle: 'ffff:', parent: 'ffff:fff1' }],
    filters: upstreams.map((name): TcFilter => rewriteFilter(addressOf(name), { parent: 'ingress' })),
  }));
  expect(soleDiagnosis(wayIn).cause).toBe('dsr/rewrite-on-wrong-interface');
  expect(leftAfterCures(wayIn)).toEqual([]);
});

test('the same filters on both links are fine', () => {
  expectHealthy(filters('eth0', 'eth1'));
});
