import { expect, test } from 'vitest';
import type { TcFilter } from '../../../src/types.js';
import { addressOf, rewriteFilter, upstreams, vip } from '../../kit/article.js';
import { addAddress, changeFact } from '../../kit/change.js';
import { expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const filters = (address: string) =>
  changeFact('proxy', 'trafficControl', (control) => ({
    ...control,
    filters: upstreams.map((name): TcFilter => {
      const old = addressOf(name);
      return rewriteFilter(old, { actions: [{ kind: 'nat', direction: 'egress', old: `${old}/32`, new: address }] });
    }),
  }));

test('a new address that nobody asked is corrected', () => {
  const found = soleDiagnosis(filters('192.168.99.11'));
  expect(found).toMatchObject({ cause: 'dsr/rewrite-wrong-address', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(leftAfterCures(filters('192.168.99.11'))).toEqual([]);
});

test('an old address that is no upstream is corrected', () => {
  const change = changeFact('proxy', 'trafficControl', (control) => ({ ...control, filters: [rewriteFilter('172.16.0.9')] }));
  expect(soleDiagnosis(change).cause).toBe('dsr/rewrite-wrong-address');
  expect(leftAfterCures(change)).toEqual([]);
});

test('an action for another upstream than its filter takes is corrected', () => {
  const change = changeFact('proxy', 'trafficControl', (control) => {
    const [first, second] = upstreams.map(addressOf);
    const actions = [{ kind: 'nat' as const, direction: 'egress' as const, old: `${second}/32`, new: vip }];
    return { ...control, filters: control.filters.map((filter) => (filter.match?.source === first ? { ...filter, actions } : filter)) };
  });
  expect(soleDiagnosis(change)).toMatchObject({ cause: 'dsr/rewrite-wrong-address', host: 'proxy' });
  expect(leftAfterCures(change)).toEqual([]);
});

test('any address of the listening host may be the one that was asked', () => {
  expectHealthy([addAddress('proxy', 'eth0', '192.168.99.11/24'), filters('192.168.99.11')]);
  expectHealthy(filters(vip));
});
