import { expect, test } from 'vitest';
import { mangle4 } from '../../kit/article.js';
import { changeMarkRules, setIptables } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('a rule for another mark than the one that is set gets one for the right mark beside it', () => {
  const change = changeMarkRules('proxy', { mark: 2 });
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/policy-rule-mark-mismatch', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'http:80/#web6', 'udp:5300']);
  expect(commands(found.fix)).toEqual([
    'ip rule add fwmark 0x1 lookup 100 priority 32764',
    'ip -6 rule add fwmark 0x1 lookup 100 priority 32764',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a mark that the whole mask does not match is a mismatch', () => {
  const change = setIptables(
    'proxy',
    'mangle',
    mangle4.map((rule) => rule.replace('0x1/0xffffffff', '0x101/0xffffffff')),
  );
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/policy-rule-mark-mismatch', services: ['http:80/#web', 'udp:5300'] });
  expect(commands(found.fix)).toEqual(['ip rule add fwmark 0x101 lookup 100 priority 32764']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('a mark that differs only outside the mask is fine', () => {
  const marked = setIptables(
    'proxy',
    'mangle',
    mangle4.map((rule) => rule.replace('0x1/0xffffffff', '0x101/0xffffffff')),
  );
  expectHealthy([marked, changeMarkRules('proxy', { mask: 0xff })]);
});

test('a mark set under a mask is fine', () => {
  expectHealthy(
    setIptables(
      'proxy',
      'mangle',
      mangle4.map((rule) => rule.replace('0x1/0xffffffff', '0x1/0xff')),
    ),
  );
});
