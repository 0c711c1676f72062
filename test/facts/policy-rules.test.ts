import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePolicyRules, read } from '../../src/facts/policy-rules.js';
import type { Host, PolicyRule } from '../../src/types.js';
import { fixture, releases } from './fixtures.js';

const rules = (release: string): PolicyRule[] => [
  ...parsePolicyRules(fixture(`${release}/rule-4.json`), 4),
  ...parsePolicyRules(fixture(`${release}/rule-6.json`), 6),
];
const at = (list: readonly PolicyRule[], priority: number, family = 4) =>
  list.find((rule) => rule.priority === priority && rule.family === family);

describe.each(releases)('ip rule of %s', (release) => {
  test('the three rules of the kernel name their tables and nothing else', () => {
    const family = 4;
    expect([0, 32766, 32767].map((priority) => at(rules(release), priority))).toEqual([
      { family, priority: 0, action: 'table', table: 'local' },
      { family, priority: 32766, action: 'table', table: 'main' },
      { family, priority: 32767, action: 'table', table: 'default' },
    ]);
  });

  test('a mark without mask is compared whole, one with a mask in part', () => {
    expect(at(rules(release), 32765)).toEqual({
      family: 4,
      priority: 32765,
      mark: 1,
      mask: 0xffffffff,
      action: 'table',
      table: '100',
    });
    expect(at(rules(release), 400, 6)).toMatchObject({ mark: 2, mask: 2, table: '100' });
  });

  test('every selector of a long rule is read', () => {
    expect(at(rules(release), 300)).toEqual({
      family: 4,
      priority: 300,
      not: true,
      from: '10.0.0.0/8',
      to: '192.0.2.9/32',
      iif: 'eth0',
      mark: 16,
      mask: 255,
      ipProtocol: 17,
      sourcePort: [53, 53],
      destinationPort: [100, 200],
      suppressPrefixLength: 0,
      action: 'table',
      table: 'main',
    });
  });

  test('actions other than a table are told apart', () => {
    expect(at(rules(release), 10)).toEqual({ family: 4, priority: 10, action: 'goto', goto: 32766 });
    expect(at(rules(release), 11)).toEqual({ family: 4, priority: 11, action: 'nop' });
    expect([14, 15, 16].map((priority) => at(rules(release), priority)?.action)).toEqual(['prohibit', 'blackhole', 'unreachable']);
    expect(at(rules(release), 14)?.oif).toBe('gone');
    expect(at(rules(release), 15)?.from).toBe('198.51.100.0/28');
  });

  test('selectors that are not evaluated are kept as text, so that nobody takes the rule for one that matches everything', () => {
    expect(at(rules(release), 12)).toMatchObject({ tos: 0x04 });
    expect(at(rules(release), 13)?.other).toContain('uid_start');
    expect(at(rules(release), 17)).toMatchObject({ action: 'other', other: 'l3mdev' });
    expect(at(rules(release), 18)?.other).toBeUndefined();
  });

  test('a protocol is a number, whether its name was known there or not', () => {
    expect(at(rules(release), 18)).toMatchObject({ ipProtocol: 132, sourcePort: [7, 9], table: 'main' });
  });
});

test('a port of which only some bits count is not taken for a port', () => {
  expect(at(rules('debian-13'), 19)?.other).toBe('dport 80/0xf0');
});

test('without IPv6 in the kernel there are only IPv4 rules; with it, rules that could not be read make the fact unknown', async () => {
  const host = (inet6: string): Host => {
    return async (query) => {
      if ('glob' in query) return { ok: true, text: inet6, stderr: '' };
      if ('run' in query && query.run.includes('-6')) return { ok: false, why: 'not supported' };
      return { ok: true, text: fixture('debian-12/rule-4.json'), stderr: '' };
    };
  };
  const [without, withIt] = [await read(host('')), await read(host('/proc/net/if_inet6\n'))];
  expect(without.ok && without.value.every(({ family }) => family === 4)).toBe(true);
  expect(withIt.ok).toBe(false);
});

test('a list of anything is read or refused with an error, never more', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom('priority', 'src', 'fwmark', 'table', 'sport'), fc.jsonValue()))),
      (list) => {
        try {
          expect(parsePolicyRules(JSON.stringify(list), 4).length).toBeLessThanOrEqual(list.length);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      },
    ),
  );
});
