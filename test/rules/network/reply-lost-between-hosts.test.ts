import { expect, test } from 'vitest';
import { dropRoute } from '../../kit/change.js';
import { diagnosesWith, dnsWay, ended, observation, points, vanished, webWay } from '../../kit/observed.js';
import { examineArticle } from '../../kit/rules.js';

const cause = 'network/reply-lost-between-hosts';
const causes = (...args: Parameters<typeof diagnosesWith>) => diagnosesWith(...args).map((found) => `${found.cause} ${found.host}`);

test.each([
  ['to nginx', vanished(webWay(1), 5), 'http:80/#web', 'dev1', 'proxy/eth1'],
  ['to the router of Direct Server Return', vanished(dnsWay(1), 5), 'udp:53', 'dev1', 'proxy/eth1'],
  ['from the router to the client', vanished(dnsWay(1), 7), 'udp:53', 'proxy', 'client/eth0'],
])('replies that never come in are lost on the wire %s', (_, pattern, service, host, next) => {
  const [found, ...others] = diagnosesWith(observation([pattern]));
  expect(others).toEqual([]);
  expect(found).toMatchObject({ cause, host, severity: 'fault', certainty: 'proven', services: [service], fix: [] });
  expect(found?.evidence.map(({ source }) => source)).toContain(`capture ${next}`);
});

test('a part of the replies is enough', () => {
  const observed = observation([vanished(webWay(1), 5, { count: 3 }), ended(webWay(1), 'delivered', { count: 17 })]);
  expect(causes(observed)).toEqual([`${cause} dev1`]);
  expect(diagnosesWith(observed)[0]?.evidence[0]?.what).toMatch(/^3 of 20 /);
});

test.each([
  ['the host that it came to drops it', [vanished(webWay(1), 6)], points({})],
  ['a sent-again reply came through', [ended(webWay(1), 'delivered')], points({})],
  ['the next capture dropped packets', [vanished(webWay(1), 5)], points({ 'proxy eth1': { dropped: 2 } })],
  ['another capture of the next host dropped packets', [vanished(webWay(1), 5)], points({ 'proxy eth0': { dropped: 2 } })],
  ['the next host was not captured', [vanished(dnsWay(1), 7)], points({ 'client eth0': undefined })],
] as const)('nothing is concluded where %s', (_, patterns, some) => {
  expect(causes(observation(patterns, { points: some }))).toEqual([]);
});

test('a predicted cause wins: the upstream has no route back', () => {
  const found = causes(observation([vanished(webWay(1), 4)]), dropRoute('dev1', '0.0.0.0/0'));
  expect(found).toEqual(['upstream/no-route-to-client dev1']);
});

test('without captures nobody is suspected', () => {
  expect(examineArticle().diagnoses.filter((found) => found.cause === cause)).toEqual([]);
});
