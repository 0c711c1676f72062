import { expect, test } from 'vitest';
import { removeFilter } from '../../src/cures/traffic-control.js';
import { factOf } from '../../src/path/world.js';
import type { Snapshot, TcFilter } from '../../src/types.js';
import { articleSnapshots } from '../kit/article.js';
import { changeFact } from '../kit/change.js';

const added = (address: string, nat: string) =>
  `tc filter add dev eth0 parent 10: protocol ip prio 10 u32 match ip src ${address} match ip sport 53 0xffff action nat egress ${nat} 192.168.99.10`;

function proxyWith(change: (filter: TcFilter) => TcFilter): Snapshot {
  const one = changeFact('proxy', 'trafficControl', (control) => ({ ...control, filters: control.filters.slice(0, 2).map(change) }));
  const snapshot = articleSnapshots(one).get('proxy');
  if (!snapshot) throw new Error('the article has no proxy');
  return snapshot;
}

function undoOf(snapshot: Snapshot): string | undefined {
  const [filter] = factOf(snapshot, 'trafficControl')?.filters ?? [];
  const [step] = (filter && removeFilter(snapshot, filter, [filter], 'why')?.steps) ?? [];
  return step?.kind === 'command' ? step.undo : undefined;
}

test('filters that go together come back one by one', () => {
  expect(undoOf(proxyWith((filter) => filter))?.split(' && ')).toEqual([
    added('172.16.0.11', '172.16.0.11/32'),
    added('172.16.0.12', '172.16.0.12/32'),
  ]);
});

test('a prefix that iproute2 prints as one address comes back as the prefix that the filter matches', () => {
  const prefix = proxyWith((filter) => ({
    ...filter,
    match: { ...filter.match, source: '172.16.0.0/28' },
    actions: [{ kind: 'nat', direction: 'egress', old: '172.16.0.0/32', new: '192.168.99.10' }],
  }));
  expect(undoOf(prefix)?.split(' && ')[0]).toBe(added('172.16.0.0/28', '172.16.0.0/28'));
});

test('there is no undo for a filter whose match could not be read', () => {
  expect(undoOf(proxyWith(({ match: _match, ...filter }) => filter))).toBeUndefined();
});

test('a wrong filter among right ones of its priority goes alone, by its handle', () => {
  const proxy = proxyWith((filter) => ({ ...filter, handle: filter.match?.source === '172.16.0.11' ? '800::800' : '800::801' }));
  const [wrong, right] = factOf(proxy, 'trafficControl')?.filters ?? [];
  const cure = wrong && removeFilter(proxy, wrong, [wrong], 'why');
  expect(cure?.steps).toMatchObject([
    {
      run: 'tc filter del dev eth0 parent 10: protocol ip prio 10 handle 800::800 u32',
      undo: added('172.16.0.11', '172.16.0.11/32'),
    },
  ]);
  expect(cure && factOf(cure.apply(proxy), 'trafficControl')?.filters).toEqual([right]);
});
