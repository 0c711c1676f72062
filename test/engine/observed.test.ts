import { expect, test } from 'vitest';
import { traceOf } from '../../src/engine/observed.js';
import type { PatternStep } from '../../src/types.js';
import { articleCase, type Change, client } from '../kit/article.js';
import { dropRoute, dropSockets, setForwarding, setIptables } from '../kit/change.js';
import { diagnosesWith, dnsWay, ended, observation, points, step, vanished, webWay } from '../kit/observed.js';

const noMark: Change[] = [setIptables('proxy', 'mangle', [])];
const sole = (...args: Parameters<typeof diagnosesWith>) => {
  const [found, ...others] = diagnosesWith(...args);
  expect(others).toEqual([]);
  return found;
};

test('without captures a diagnosis stays as it is', () => {
  const change = dropRoute('dev1', '0.0.0.0/0');
  const [alone] = diagnosesWith(observation([]), change);
  expect(alone).toMatchObject({ cause: 'upstream/no-route-to-client', certainty: 'consistent' });
});

test.each([
  ['a host takes a reply in and does nothing with it', noMark, [vanished(webWay(1), 6)], 'proxy/mark-rule-missing', 'proxy/eth1'],
  [
    'a host sends nothing, so that the leg before is the last',
    [dropRoute('dev1', '0.0.0.0/0')],
    [vanished(webWay(1), 4)],
    'upstream/no-route-to-client',
    'dev1/eth0',
  ],
  ['a host that does not forward', [setForwarding('proxy', 0)], [vanished(dnsWay(1), 6)], 'dsr/forwarding-off', 'proxy/eth1'],
] as const)('packets that end where the prediction breaks prove it: %s', (_, change, patterns, cause, point) => {
  const found = diagnosesWith(observation(patterns), change).find((each) => each.cause === cause);
  expect(found).toMatchObject({ certainty: 'proven' });
  expect(found?.evidence[0]?.source).toBe(`capture ${point}`);
  expect(found?.evidence[0]?.what).toMatch(/^10 of 10 requests: last seen at /);
});

test('a refusal proves that nobody listens', () => {
  const refusal = [
    step('dev1 eth0 out', '172.16.0.11:80', `${client}:50012`, 'reply'),
    step('proxy eth1 in', '172.16.0.11:80', `${client}:50012`, 'reply'),
  ];
  const observed = observation([ended([...webWay(1).slice(0, 4), ...refusal], 'refused')]);
  expect(sole(observed, dropSockets('dev1', 80))).toMatchObject({ cause: 'upstream/not-listening', certainty: 'proven' });
});

test('counters of that place that moved are told, others are not', () => {
  const counters = [
    { host: 'proxy', name: 'IpInAddrErrors', delta: 10, source: '/proc/net/snmp' },
    { host: 'dev1', name: 'IpInAddrErrors', delta: 3, source: '/proc/net/snmp' },
    { host: 'proxy', name: 'IpOutRequests', delta: 99, source: '/proc/net/snmp' },
  ];
  const found = diagnosesWith(observation([vanished(dnsWay(1), 6)], { counters }), setForwarding('proxy', 0)).find(
    ({ cause }) => cause === 'dsr/forwarding-off',
  );
  expect(found?.evidence.filter(({ source }) => source === '/proc/net/snmp').map(({ what }) => what)).toEqual([
    'IpInAddrErrors grew by 10 while it was captured',
  ]);
});

test('packets that complete although the prediction breaks are never passed over', () => {
  const found = sole(observation([ended(webWay(1), 'delivered')]), noMark);
  expect(found).toMatchObject({ cause: 'proxy/mark-rule-missing', certainty: 'possible' });
  expect(found?.steps.at(-1)).toContain('contradict');
});

test('where some complete and some end there it is neither proven nor doubted', () => {
  const change = dropRoute('dev1', '0.0.0.0/0');
  const found = sole(observation([vanished(webWay(1), 4, { count: 37 }), ended(webWay(1), 'delivered', { count: 3 })]), change);
  expect(found).toMatchObject({ cause: 'upstream/no-route-to-client', certainty: 'consistent' });
  expect(found?.evidence[0]?.what).toMatch(/^37 of 40 requests: /);
});

test('a capture that missed packets proves nothing', () => {
  const observed = observation([vanished(webWay(1), 4)], { points: points({ 'dev1 eth0': { dropped: 4 } }) });
  expect(sole(observed, dropRoute('dev1', '0.0.0.0/0'))).toMatchObject({ certainty: 'consistent' });
});

test('what other upstreams do says nothing about this one', () => {
  const observed = observation([ended(webWay(2), 'delivered')]);
  expect(sole(observed, dropRoute('dev1', '0.0.0.0/0'))).toMatchObject({ certainty: 'consistent' });
});

test('packets that end elsewhere prove nothing', () => {
  const observed = observation([vanished(webWay(1), 2)]);
  expect(sole(observed, dropRoute('dev1', '0.0.0.0/0'))).toMatchObject({ certainty: 'consistent' });
});

test('a masqueraded source is answered and wrong all the same, and packets show it', () => {
  const masquerade = setIptables('proxy', 'nat', ['-A POSTROUTING -o eth1 -j MASQUERADE']);
  const certaintyBy = (path: PatternStep[]) =>
    diagnosesWith(observation([ended(path, 'delivered')]), masquerade).find(({ cause }) => cause === 'proxy/masquerade-hides-client')
      ?.certainty;
  const hidden = webWay(1).map((one) => (one.leg === 'forward' ? { ...one, src: '172.16.0.1:50012' } : one));
  expect(certaintyBy(hidden)).toBe('proven');
  expect(certaintyBy(webWay(1))).toBe('possible');
});

test('a report tells where a lost packet should have been seen, and leaves counters to the evidence', () => {
  const observed = observation([vanished(webWay(1), 3), ended(webWay(2), 'delivered')], {
    counters: [{ host: 'proxy', name: 'IpForwDatagrams', delta: 1, source: '/proc/net/snmp' }],
  });
  const trace = traceOf({ ...articleCase(), observed });
  expect(trace?.patterns.map(({ neverSeenBy }) => neverSeenBy)).toEqual([{ host: 'dev1', iface: 'eth0' }, undefined]);
  expect(trace).not.toHaveProperty('counters');
  expect(traceOf(articleCase())).toBeUndefined();
});
