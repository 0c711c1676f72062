import { expect, test } from 'vitest';
import { changeFact } from '../../kit/change.js';
import { commands, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const fill = (count: number, host = 'proxy') =>
  changeFact(host, 'sysctls', (sysctls) => ({
    ...sysctls,
    'net/netfilter/nf_conntrack_count': String(count),
    'net/netfilter/nf_conntrack_max': '1000',
  }));

test('a table without room is a fault of the host that has it', () => {
  const found = soleDiagnosis(fill(1000));
  expect(found).toMatchObject({ cause: 'proxy/conntrack-table-full', host: 'proxy', severity: 'fault', certainty: 'consistent' });
  expect(commands(found.fix)).toEqual(['sysctl -w net.netfilter.nf_conntrack_max=4000']);
  expect(soleDiagnosis(fill(1000, 'dev1')).host).toBe('dev1');
});

test('nine tenths are a risk, eight tenths are fine, and so is a host that tracks nothing', () => {
  expect(soleDiagnosis(fill(901))).toMatchObject({ severity: 'risk' });
  expectHealthy(fill(800));
  expectHealthy([]);
});
