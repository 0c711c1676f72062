import { expect, test } from 'vitest';
import { addPolicyRule, editConfig } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const here = editConfig('172.16.0.11:80', '172.16.0.1:80');

test('its replies are kept by a rule for its address and port', () => {
  const found = soleDiagnosis(here);
  expect(found).toMatchObject({ cause: 'proxy/upstream-on-this-host', host: 'proxy', severity: 'fault', services: ['http:80/#web'] });
  expect(commands(found.fix)).toEqual(['ip rule add from 172.16.0.1 iif lo ipproto tcp sport 80 lookup 100 priority 32764']);
  expect(leftAfterCures(here)).toEqual([]);
});

test('with such a rule it is fine', () => {
  expectHealthy([
    here,
    addPolicyRule('proxy', { priority: 50, from: '172.16.0.1', iif: 'lo', ipProtocol: 6, sourcePort: [80, 80], table: '100' }),
  ]);
});
