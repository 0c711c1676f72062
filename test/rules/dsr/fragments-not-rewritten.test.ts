import { expect, test } from 'vitest';
import { changeFact } from '../../kit/change.js';
import { commands, examineArticle } from '../../kit/rules.js';

const cause = 'dsr/fragments-not-rewritten';
const found = (change: Parameters<typeof examineArticle>[0] = []) => examineArticle(change).diagnoses.find((one) => one.cause === cause);

test('filters that match a port are a risk, and one for all datagrams of each upstream comes before them', () => {
  expect(found()).toMatchObject({ host: 'proxy', severity: 'risk', services: ['udp:53'] });
  const [run = ''] = commands(found()?.fix ?? []);
  expect(run).toContain('u32 match ip src 172.16.0.11 match ip protocol 17 0xff action nat egress 172.16.0.11 192.168.99.10');
  expect(run).toContain('prio 9');
  expect(found()?.fix[0]).toMatchObject({ undo: expect.stringContaining('tc filter del dev eth0 parent 10: protocol ip prio 9') });
});

test('filters that match the address alone are fine', () => {
  const wholly = changeFact('proxy', 'trafficControl', (control) => ({
    ...control,
    filters: control.filters.map(({ match, ...filter }) => ({ ...filter, match: { ...(match?.source ? { source: match.source } : {}) } })),
  }));
  expect(found(wholly)).toBeUndefined();
});
