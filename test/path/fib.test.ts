import { describe, expect, it } from 'vitest';
import { type FlowKey, hasCustomRules, longestMatch, lookup, markMatches, selects } from '../../src/path/fib.js';
import type { PolicyRule, Route } from '../../src/types.js';

const kernelRules: PolicyRule[] = [
  { family: 4, priority: 0, action: 'table', table: 'local' },
  { family: 4, priority: 32_766, action: 'table', table: 'main' },
  { family: 4, priority: 32_767, action: 'table', table: 'default' },
];
const to = (prefix: string, change: Partial<Route> = {}): Route => ({
  family: 4,
  type: 'unicast',
  to: prefix,
  table: 'main',
  nextHops: [{ link: 'eth0' }],
  metric: 0,
  ...change,
});
const key: FlowKey = { family: 4, to: '10.1.2.3', from: '192.0.2.1', iif: 'eth0', mark: 1 };
const also = (...rules: Partial<PolicyRule>[]): PolicyRule[] => [
  ...kernelRules,
  ...rules.map((rule): PolicyRule => ({ family: 4, priority: 100, action: 'table', table: '100', ...rule })),
];

describe('a table', () => {
  it('gives the longest prefix, then the smallest metric, then the first', () => {
    const routes = [
      to('0.0.0.0/0'),
      to('10.1.0.0/16', { metric: 20 }),
      to('10.1.0.0/16', { metric: 10 }),
      to('10.1.0.0/16', { metric: 10, source: 'x' }),
    ];
    expect(longestMatch(routes, 'main', key)).toBe(routes[2]);
    expect(longestMatch(routes, 'other', key)).toBeUndefined();
  });

  it('passes over routes whose every next hop is dead, and refusals have none', () => {
    const routes = [to('0.0.0.0/0'), to('10.1.0.0/16', { nextHops: [{ link: 'eth1', dead: true }] })];
    expect(longestMatch(routes, 'main', key)).toBe(routes[0]);
    const refusal = to('10.1.2.0/24', { type: 'blackhole', nextHops: [] });
    expect(longestMatch([...routes, refusal], 'main', key)).toBe(refusal);
  });

  it('keeps a route for a type of service for packets of that type, before the others of its prefix', () => {
    const [usual, low] = [to('10.1.0.0/16', { metric: 0 }), to('10.1.0.0/16', { tos: 0x10, metric: 50 })];
    expect(longestMatch([usual, low], 'main', key)).toBe(usual);
    expect(longestMatch([usual, low], 'main', { ...key, tos: 0x10 })).toBe(low);
    expect(longestMatch([usual, low], 'main', { ...key, tos: 0x28 })).toBe(usual);
  });

  it('of IPv6 with routes for some sources has none of that prefix for the others', () => {
    const six = (prefix: string, change: Partial<Route> = {}) => to(prefix, { family: 6, ...change });
    const routes = [six('fd00::/16', { metric: 7 }), six('fd00:1::/32'), six('fd00:1::/32', { from: 'fd00:2::/32' })];
    const from = (source: string) => longestMatch(routes, 'main', { family: 6, to: 'fd00:1::5', from: source });
    expect(from('fd00:2::1')).toBe(routes[2]);
    expect(from('fd00:3::1')).toBe(routes[0]);
  });
});

describe('a rule', () => {
  const rule: PolicyRule = { family: 4, priority: 1, action: 'table', table: '1' };
  it.each<[Partial<PolicyRule>, boolean]>([
    [{}, true],
    [{ mark: 1 }, true],
    [{ mark: 0x11, mask: 0xf }, true],
    [{ mark: 2 }, false],
    [{ mark: 0, mask: 0 }, true],
    [{ from: '192.0.2.0/24' }, true],
    [{ to: '192.0.2.0/24' }, false],
    [{ iif: 'eth0' }, true],
    [{ iif: 'lo' }, false],
    [{ oif: 'eth0' }, false],
    [{ not: true }, false],
    [{ tos: 0x10 }, false],
    [{ not: true, tos: 0x10 }, true],
    [{ not: true, mark: 2 }, true],
    [{ ipProtocol: 17 }, false],
    [{ destinationPort: [1, 100] }, false],
  ])('%o selects: %s', (change, expected) => {
    expect(selects({ ...rule, ...change }, key)).toBe(expected);
  });

  it('with a mark whose top bit is set compares all 32 bits', () => {
    expect(markMatches({ mark: 0x80000000, mask: 0x80000000 }, 0x80000001)).toBe(true);
    expect(markMatches({ mark: 0x80000000 }, 0)).toBe(false);
  });
});

describe('a look-up', () => {
  const home = to('0.0.0.0/0', { type: 'local', table: '100', nextHops: [{ link: 'lo' }] });

  it('takes the first rule whose table has an answer', () => {
    const policyRules = also({ mark: 1 });
    expect(lookup({ policyRules, routes: [home, to('0.0.0.0/0')] }, key)).toMatchObject({ found: 'route', route: home });
    expect(lookup({ policyRules, routes: [home] }, { ...key, mark: 0 })).toEqual({ found: 'nothing' });
  });

  it('goes on after throw, and ends at a refusal', () => {
    const policyRules = also({});
    const thrown = to('10.0.0.0/8', { type: 'throw', table: '100', nextHops: [] });
    const routes = [thrown, to('0.0.0.0/0')];
    expect(lookup({ policyRules, routes }, key)).toMatchObject({ found: 'route', route: { table: 'main' } });
    expect(lookup({ policyRules, routes: [{ ...thrown, type: 'prohibit' }, ...routes] }, key)).toMatchObject({ found: 'refusal' });
    expect(lookup({ policyRules: also({ action: 'unreachable' }), routes }, key)).toMatchObject({ found: 'refusal' });
  });

  it('suppresses short prefixes, but no refusal', () => {
    const policyRules = also({ table: 'main', suppressPrefixLength: 8, priority: 5 });
    const routes = [to('10.0.0.0/8'), to('0.0.0.0/0', { table: 'default' })];
    expect(lookup({ policyRules, routes }, key)).toMatchObject({ rule: { priority: 32_766 } });
    expect(lookup({ policyRules, routes: [to('10.1.0.0/16'), ...routes] }, key)).toMatchObject({ rule: { priority: 5 } });
    expect(lookup({ policyRules, routes: [to('10.0.0.0/8', { type: 'blackhole' })] }, key)).toMatchObject({ rule: { priority: 5 } });
  });

  it('jumps forward by goto, unless there is nothing to jump to', () => {
    const jump = { priority: 10, action: 'goto', goto: 32_766 } as const;
    const routes = [home, to('0.0.0.0/0')];
    expect(lookup({ policyRules: also(jump, {}), routes }, key)).toMatchObject({ route: { table: 'main' } });
    expect(lookup({ policyRules: also({ ...jump, goto: 5000 }, {}), routes }, key)).toMatchObject({ route: { table: '100' } });
  });

  it('is not certain where a rule has selectors that are not evaluated', () => {
    expect(lookup({ policyRules: also({ other: 'uidrange 0-99' }), routes: [home] }, key)).toMatchObject({ found: 'unknown' });
  });

  it('lets a longer prefix of main beat a local one as long as there are only the kernel’s rules', () => {
    const routes = [to('10.0.0.0/8', { type: 'local', table: 'local' }), to('10.1.0.0/16')];
    expect(lookup({ policyRules: kernelRules, routes }, key)).toMatchObject({ route: { table: 'main' } });
    expect(lookup({ policyRules: also({ to: '192.0.2.0/24' }), routes }, key)).toMatchObject({ route: { table: 'local' } });
  });
});

it('tells the kernel’s own rules from others', () => {
  expect(hasCustomRules(kernelRules, 4)).toBe(false);
  expect(hasCustomRules(kernelRules.slice(1), 4)).toBe(true);
  expect(hasCustomRules(also({}), 4)).toBe(true);
  expect(
    hasCustomRules(
      kernelRules.map((rule) => ({ ...rule, suppressPrefixLength: 0 })),
      4,
    ),
  ).toBe(true);
});
