import { expect, test } from 'vitest';
import { addRoute, changeFact, changeMarkRules } from '../../kit/change.js';
import { defaultRoute } from '../../kit/host.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

/** A rule for all packets, before the one for the mark. */
const early = (table: string, suppressPrefixLength?: number) =>
  changeFact('proxy', 'policyRules', (rules) => [
    ...rules,
    {
      family: 4 as const,
      priority: 100,
      action: 'table' as const,
      table,
      ...(suppressPrefixLength === undefined ? {} : { suppressPrefixLength }),
    },
  ]);

test('a mark rule after main gets a twin before it', () => {
  const change = changeMarkRules('proxy', { priority: 32_800 });
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/policy-rule-shadowed', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'http:80/#web6', 'udp:5300']);
  expect(commands(found.fix)).toEqual([
    'ip rule add fwmark 0x1 lookup 100 priority 32765',
    'ip -6 rule add fwmark 0x1 lookup 100 priority 32765',
  ]);
  expect(leftAfterCures(change)).toEqual([]);
});

test("another rule's route to the clients catches the replies first", () => {
  const change = [early('200'), addRoute('proxy', { to: '192.168.99.0/24', table: '200', nextHops: [{ link: 'eth0' }] })];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/policy-rule-shadowed', services: ['http:80/#web', 'udp:5300'] });
  expect(commands(found.fix)).toEqual(['ip rule add fwmark 0x1 lookup 100 priority 99']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('an earlier rule whose table is empty is fine', () => {
  expectHealthy(early('200'));
});

test('an earlier rule whose table has no route to the client is fine', () => {
  expectHealthy([early('200'), addRoute('proxy', { to: '10.0.0.0/8', table: '200', nextHops: [{ link: 'eth0', via: '192.168.99.1' }] })]);
});

test('an earlier rule whose default route is suppressed is fine', () => {
  expectHealthy([early('200', 0), addRoute('proxy', defaultRoute('192.168.99.1', 'eth0', '200'))]);
});
