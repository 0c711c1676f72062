import { expect, test } from 'vitest';
import { addPolicyRule, freePriority, freeTable, localDefault, putRoute } from '../../src/cures/routing.js';
import { factOf } from '../../src/path/world.js';
import type { PolicyRule, Route, Snapshot } from '../../src/types.js';
import { articleSnapshots } from '../kit/article.js';
import { defaultRoute } from '../kit/host.js';
import { commands } from '../kit/rules.js';

const proxy = (): Snapshot => articleSnapshots().get('proxy') ?? fail();
const dev1 = (): Snapshot => articleSnapshots().get('dev1') ?? fail();
function fail(): never {
  throw new Error('the article has no such host');
}
const rule = (priority: number, rest: Partial<PolicyRule> = {}): PolicyRule => ({
  family: 4,
  priority,
  action: 'table',
  table: '100',
  ...rest,
});
const undo = (steps: ReturnType<typeof putRoute>['steps']) => steps.flatMap((step) => (step.kind === 'command' ? [step.undo] : []));

test('a free priority lies just before the first rule after local', () => {
  expect(freePriority([rule(0), rule(32_766), rule(32_767)], 4)).toBe(32_765);
  expect(freePriority([rule(0), rule(100), rule(32_766)], 4)).toBe(99);
});

test('rules of the other family do not count', () => {
  expect(freePriority([rule(0), rule(100, { family: 6 }), rule(32_766)], 4)).toBe(32_765);
});

test('a priority is never below 1, nor after main', () => {
  expect(freePriority([rule(0), rule(1)], 4)).toBe(1);
  expect(freePriority([], 6)).toBe(32_765);
});

test('a policy rule is written with its selectors, and taken back by the same words', () => {
  const cure = addPolicyRule(proxy(), rule(99, { mark: 0x10, mask: 0xff, iif: 'eth1' }), 'why');
  expect(commands(cure.steps)).toEqual(['ip rule add iif eth1 fwmark 0x10/0xff lookup 100 priority 99']);
  expect(undo(cure.steps)).toEqual(['ip rule del iif eth1 fwmark 0x10/0xff lookup 100 priority 99']);
});

test('a policy rule keeps every selector that it has', () => {
  const narrow: Partial<PolicyRule> = {
    not: true,
    to: '192.0.2.0/24',
    oif: 'eth1',
    tos: 0x10,
    ipProtocol: 132,
    sourcePort: [53, 53],
    destinationPort: [1024, 2048],
    suppressPrefixLength: 0,
  };
  expect(commands(addPolicyRule(proxy(), rule(99, narrow), 'why').steps)).toEqual([
    'ip rule add not to 192.0.2.0/24 oif eth1 tos 0x10 ipproto 132 sport 53 dport 1024-2048 lookup 100 suppress_prefixlength 0 priority 99',
  ]);
});

test('a rule of IPv6 is told so', () => {
  expect(commands(addPolicyRule(proxy(), rule(99, { family: 6, from: 'fd00::1' }), 'why').steps)).toEqual([
    'ip -6 rule add from fd00::1 lookup 100 priority 99',
  ]);
});

test('a rule is added to a copy, the original stays as it was', () => {
  const before = proxy();
  const after = addPolicyRule(before, rule(99), 'why').apply(before);
  expect(factOf(after, 'policyRules')).toHaveLength((factOf(before, 'policyRules')?.length ?? 0) + 1);
  expect(factOf(proxy(), 'policyRules')).toEqual(factOf(before, 'policyRules'));
});

test('what the kernel answered before no longer holds on the copy', () => {
  const asked: Snapshot = { ...proxy(), facts: { ...proxy().facts, kernelRoutes: { ok: true, value: [] } } };
  expect(addPolicyRule(asked, rule(99), 'why').apply(asked).facts.kernelRoutes).toBeUndefined();
});

test('a new route is added', () => {
  const cure = putRoute(proxy(), localDefault(4, '200'), 'why');
  expect(commands(cure.steps)).toEqual(['ip route add local 0.0.0.0/0 dev lo table 200']);
  expect(undo(cure.steps)).toEqual(['ip route del local 0.0.0.0/0 dev lo table 200']);
});

test('a route of the same kind is replaced, and undone by the one that was there', () => {
  const cure = putRoute(dev1(), defaultRoute('172.16.0.9', 'eth0'), 'why');
  expect(commands(cure.steps)).toEqual(['ip route replace 0.0.0.0/0 via 172.16.0.9 dev eth0']);
  expect(undo(cure.steps)).toEqual(['ip route replace 0.0.0.0/0 via 172.16.0.1 dev eth0']);
  const held = factOf(cure.apply(dev1()), 'routes')?.filter((route) => route.to === '0.0.0.0/0');
  expect(held?.map((route) => route.nextHops[0]?.via)).toEqual(['172.16.0.9']);
});

test.each<[string, Partial<Route>, string]>([
  [
    'who made it and its MTU',
    { attributes: ['proto', 'static', 'mtu', '1400'], nextHops: [{ link: 'eth0', via: '10.9.9.9', onlink: true }] },
    'via 10.9.9.9 dev eth0 onlink proto static mtu 1400',
  ],
  ['a gateway of the other family', { nextHops: [{ link: 'eth0', via: 'fe80::1' }] }, 'via inet6 fe80::1 dev eth0'],
  [
    'several ways',
    {
      nextHops: [
        { link: 'eth0', via: '172.16.0.1', weight: 2 },
        { link: 'eth0', via: '172.16.0.2' },
      ],
    },
    'nexthop via 172.16.0.1 dev eth0 weight 2 nexthop via 172.16.0.2 dev eth0',
  ],
  ['a scope that iproute2 would not guess', { nextHops: [{ link: 'eth0' }], scope: 'host' }, 'dev eth0 scope host'],
])('what undo puts back has %s', (_, previous, words) => {
  const before = dev1();
  const routes = (factOf(before, 'routes') ?? []).map((route) =>
    route.family === 4 && route.to === '0.0.0.0/0' ? { ...route, ...previous } : route,
  );
  const changed: Snapshot = { ...before, facts: { ...before.facts, routes: { ok: true, value: routes } } };
  expect(undo(putRoute(changed, defaultRoute('172.16.0.9', 'eth0'), 'why').steps)).toEqual([`ip route replace 0.0.0.0/0 ${words}`]);
});

test('a route of IPv6 is told by its metric where that is not the usual one', () => {
  const six = { ...defaultRoute('fd00:16::9', 'eth0'), metric: 77 };
  expect(commands(putRoute(dev1(), six, 'why').steps)).toEqual(['ip -6 route add ::/0 via fd00:16::9 dev eth0 metric 77']);
});

test('IPv6 would keep the old route beside the new one, so it goes first', () => {
  const cure = putRoute(dev1(), defaultRoute('fd00:16::9', 'eth0'), 'why');
  expect(commands(cure.steps)).toEqual(['ip -6 route del ::/0 via fd00:16::1 dev eth0', 'ip -6 route add ::/0 via fd00:16::9 dev eth0']);
});

test('a route of another metric is another route', () => {
  const backup: Route = { ...defaultRoute('172.16.0.9', 'eth0'), metric: 50 };
  expect(commands(putRoute(dev1(), backup, 'why').steps)).toEqual(['ip route add 0.0.0.0/0 via 172.16.0.9 dev eth0 metric 50']);
});

test('a free table is used by no route and no rule', () => {
  expect(freeTable(dev1())).toBe('100');
  expect(freeTable(proxy())).toBe('101');
});
