import { expect, test } from 'vitest';
import type { TcFilter } from '../../../src/types.js';
import { addressOf, rewriteFilter, upstreams } from '../../kit/article.js';
import { changeFact } from '../../kit/change.js';
import { expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const filters = (port: number) =>
  changeFact('proxy', 'trafficControl', (control) => ({
    ...control,
    filters: upstreams.map((name): TcFilter => {
      const source = addressOf(name);
      return rewriteFilter(source, { match: { source, sourcePort: { value: port, mask: 0xffff } } });
    }),
  }));

test('filters for another port are replaced', () => {
  const found = soleDiagnosis(filters(5353));
  expect(found).toMatchObject({ cause: 'dsr/rewrite-wrong-port', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(leftAfterCures(filters(5353))).toEqual([]);
});

test('filters without any port are fine', () => {
  expectHealthy(
    changeFact('proxy', 'trafficControl', (control) => ({
      ...control,
      filters: upstreams.map((name): TcFilter => rewriteFilter(addressOf(name), { match: { source: addressOf(name) } })),
    })),
  );
});
