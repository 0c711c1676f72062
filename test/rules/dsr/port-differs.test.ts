import { expect, test } from 'vitest';
import type { TcFilter } from '../../../src/types.js';
import { addressOf, type Change, rewriteFilter, upstreams } from '../../kit/article.js';
import { changeFact, editConfig } from '../../kit/change.js';
import { edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const serving = (name: (typeof upstreams)[number]): Change =>
  changeFact(name, 'sockets', (sockets) => [
    ...sockets,
    { protocol: 'udp', state: 'UNCONN', localAddress: addressOf(name), localPort: 5353 },
  ]);
const filters = changeFact('proxy', 'trafficControl', (control) => ({
  ...control,
  filters: upstreams.map((name): TcFilter => rewriteFilter(addressOf(name), { match: { source: addressOf(name) } })),
}));
const asked = upstreams.map((name) => editConfig(`${addressOf(name)}:53;`, `${addressOf(name)}:5353;`));

test('upstreams that serve the listening port too are asked there', () => {
  const change = [...upstreams.map(serving), filters, ...asked];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'dsr/port-differs', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(edits(found.fix)).toHaveLength(4);
  expect(leftAfterCures(change)).toEqual([]);
});

test('where replies end at nginx ports may differ', () => {
  const method1 = upstreams.map((name) => editConfig(`${addressOf(name)}:5300;`, `${addressOf(name)}:5353;`));
  const marked = changeFact('proxy', 'iptablesNft', (tables) =>
    tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => ({
        ...chain,
        rules: chain.rules.map((rule) => ({
          ...rule,
          steps: rule.steps.map((step) =>
            'match' in step && step.match === 'port' && step.among[0]?.[0] === 5300 ? { ...step, among: [[5353, 5353] as const] } : step,
          ),
        })),
      })),
    })),
  );
  expectHealthy([...upstreams.map(serving), ...method1, marked]);
});
