import { expect, test } from 'vitest';
import { describeRule, leadsHome, rulesForMark, tableEvidence } from '../../src/reasoning/policy-routing.js';
import type { PolicyRule, Route } from '../../src/types.js';

const rule = (change: Partial<PolicyRule>): PolicyRule => ({ family: 4, priority: 100, action: 'table', table: '100', mark: 1, ...change });
const route = (change: Partial<Route>): Route => ({
  family: 4,
  type: 'local',
  to: '0.0.0.0/0',
  table: '100',
  nextHops: [{ link: 'lo' }],
  metric: 0,
  ...change,
});

test('rules that fit a mark come in the order in which the kernel asks them', () => {
  const policyRules = [
    rule({ priority: 300 }),
    rule({ priority: 200, mark: 3, mask: 1 }),
    rule({ mark: 2 }),
    rule({ family: 6 }),
    rule({ mark: 0 }),
  ];
  expect(rulesForMark({ policyRules }, 1, 4).map(({ priority }) => priority)).toEqual([200, 300]);
});

test('a table leads home only by a local route that covers the address', () => {
  const leads = (...routes: Route[]) => leadsHome({ policyRules: [], routes }, rule({}), '192.168.99.50');
  expect(leads(route({}))).toBe(true);
  expect(leads(route({ type: 'unicast' }))).toBe(false);
  expect(leads(route({ to: '10.0.0.0/8' }))).toBe(false);
  expect(leads(route({ table: '200' }))).toBe(false);
  expect(leads(route({ family: 6, to: '::/0' }))).toBe(false);
});

test('a rule reads as ip prints it', () => {
  expect(describeRule(rule({ from: '10.0.0.0/8', iif: 'eth1', mask: 0xff }))).toBe(
    '100: from 10.0.0.0/8 fwmark 0x1/0xff iif eth1 lookup 100',
  );
  expect(describeRule({ family: 4, priority: 5, action: 'blackhole', not: true, to: '10.0.0.0/8' })).toBe(
    '5: not from all to 10.0.0.0/8 blackhole',
  );
});

test('an empty table is said to be empty', () => {
  expect(tableEvidence('proxy', [route({ table: '200' })], 4, '100').what).toContain('empty');
  expect(tableEvidence('proxy', [route({})], 4, '100').what).toBe('local 0.0.0.0/0 dev lo');
});
