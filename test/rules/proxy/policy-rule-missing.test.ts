import { expect, test } from 'vitest';
import { addRoute, changeFact, dropMarkRules } from '../../kit/change.js';
import { defaultRoute } from '../../kit/host.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const without = dropMarkRules('proxy');

test("marked replies without a policy rule of either family are one fault of nginx's host", () => {
  const found = soleDiagnosis(without);
  expect(found).toMatchObject({ cause: 'proxy/policy-rule-missing', host: 'proxy', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'http:80/#web6', 'udp:5300']);
  expect(commands(found.fix)).toEqual([
    'ip rule add fwmark 0x1 lookup 100 priority 32765',
    'ip -6 rule add fwmark 0x1 lookup 100 priority 32765',
  ]);
  expect(leftAfterCures(without)).toEqual([]);
});

test('where only the IPv6 rule is missing, only that is added', () => {
  const change = changeFact('proxy', 'policyRules', (rules) => rules.filter(({ family, mark }) => family === 4 || mark === undefined));
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/policy-rule-missing', services: ['http:80/#web6'] });
  expect(commands(found.fix)).toEqual(['ip -6 rule add fwmark 0x1 lookup 100 priority 32765']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('the new rule comes before every rule that is there', () => {
  const vpn = changeFact('proxy', 'policyRules', (rules) => [
    ...rules,
    { family: 4 as const, priority: 5000, from: '10.9.0.0/16', action: 'table' as const, table: '200' },
  ]);
  expect(commands(soleDiagnosis([without, vpn]).fix)[0]).toBe('ip rule add fwmark 0x1 lookup 100 priority 4999');
});

test("a VPN's mark rule beside the right one is fine", () => {
  const vpn = changeFact('proxy', 'policyRules', (rules) => [
    ...rules,
    { family: 4 as const, priority: 5000, mark: 0xca6c, not: true, action: 'table' as const, table: '51820', suppressPrefixLength: 0 },
    { family: 4 as const, priority: 5001, mark: 0x200, action: 'table' as const, table: '51821' },
  ]);
  expectHealthy([vpn, addRoute('proxy', defaultRoute('192.168.99.1', 'eth0', '51821'))]);
});

test("a rule that looks at the mark's low byte alone is fine", () => {
  const masked = changeFact('proxy', 'policyRules', (rules) =>
    rules.map((rule) => (rule.mark !== undefined && rule.family === 4 ? { ...rule, mask: 0xff } : rule)),
  );
  expectHealthy(masked);
});
