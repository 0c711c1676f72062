import { expect, test } from 'vitest';
import check from '../../../checks/proxy/policy-rule-for-mark.js';
import { changeMarkRules, dropMarkRules, setIptables } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

test('no rule for the mark fails', () => {
  expect(statusesOf(check, 'proxy', dropMarkRules('proxy'))).toEqual({
    'http:80/#web': 'fail',
    'http:80/#web6': 'fail',
    'udp:5300': 'fail',
  });
});

test('a rule for another mark fails and is shown', () => {
  const [finding] = findingsOf(check, 'proxy', changeMarkRules('proxy', { mark: 2 }));
  expect(finding).toMatchObject({ status: 'fail', evidence: [{ source: 'ip rule' }] });
  expect(finding?.evidence?.[0]?.what).toContain('fwmark 0x2');
});

test('a mask that lets the mark through is fine, one that does not fails', () => {
  expect(statusesOf(check, 'proxy', changeMarkRules('proxy', { mask: 1 }))['udp:5300']).toBe('pass');
  expect(statusesOf(check, 'proxy', changeMarkRules('proxy', { mark: 0x101, mask: 0x100 }))['udp:5300']).toBe('fail');
});

test('nothing is said of replies that bear no mark', () => {
  expect(statusesOf(check, 'proxy', [setIptables('proxy', 'mangle', []), dropMarkRules('proxy')])).toEqual({ 'http:80/#web6': 'fail' });
});
