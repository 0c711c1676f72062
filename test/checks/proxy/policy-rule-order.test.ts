import { expect, test } from 'vitest';
import check from '../../../checks/proxy/policy-rule-order.js';
import { addPolicyRule, addRoute, changeMarkRules } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

test('after main the rule comes too late', () => {
  const change = [
    changeMarkRules('proxy', { priority: 40_000 }),
    addRoute('proxy', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: '192.168.99.1' }] }),
  ];
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('fail');
});

test('another rule that catches all packets first fails and is named', () => {
  const change = [
    addPolicyRule('proxy', { priority: 100, from: '172.16.0.0/28', table: '200' }),
    addRoute('proxy', { to: '0.0.0.0/0', table: '200', nextHops: [{ link: 'eth0', via: '192.168.99.1' }] }),
  ];
  const [finding] = findingsOf(check, 'proxy', change);
  expect(finding?.status).toBe('fail');
  expect(finding?.evidence?.[0]?.what).toMatch(/^100: from 172\.16\.0\.0\/28 lookup 200/);
});

test('a rule before it whose table has no route is harmless', () => {
  expect(statusesOf(check, 'proxy', addPolicyRule('proxy', { priority: 100, table: '200' }))['http:80/#web']).toBe('pass');
});

test('a rule before it that cannot be evaluated is unknown', () => {
  const change = [
    addPolicyRule('proxy', { priority: 100, iif: 'eth1', table: '200', other: 'tos 0x10' }),
    addRoute('proxy', { to: '0.0.0.0/0', table: '200', nextHops: [{ link: 'eth0', via: '192.168.99.1' }] }),
  ];
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('unknown');
});
