import { expect, test } from 'vitest';
import type { Change } from '../../kit/article.js';
import { addAddress, changeFact, setIptables } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { diagnosesWith, dnsWay, ended, observation } from '../../kit/observed.js';
import { commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const cause = 'upstream/replies-from-another-address';
const timedOut = (ago: number, upstream = '172.16.0.12'): Change =>
  logLine('upstream-timeout', ago, { upstream: `udp://${upstream}:5300` });
const second = addAddress('dev2', 'eth0', '172.16.0.5/28');
const preferring = (source: string): Change =>
  changeFact('dev2', 'routes', (routes) => routes.map((route) => (route.to === '0.0.0.0/0' ? { ...route, source } : route)));
const bound = (localAddress: string): Change =>
  changeFact('dev2', 'sockets', (sockets) => sockets.map((socket) => (socket.localPort === 5300 ? { ...socket, localAddress } : socket)));
const stranger = [second, preferring('172.16.0.5'), bound('0.0.0.0')];

test('a wildcard server whose kernel prefers another source, on which nginx times out', () => {
  const found = soleDiagnosis([...stranger, timedOut(10)]);
  expect(found).toMatchObject({ cause, host: 'dev2', severity: 'fault', certainty: 'consistent', services: ['udp:5300'] });
  expect(found.settle).toContain('capture');
  expect(found.fix).toMatchObject([
    {
      run: 'ip route replace 0.0.0.0/0 via 172.16.0.1 dev eth0 src 172.16.0.12',
      undo: 'ip route replace 0.0.0.0/0 via 172.16.0.1 dev eth0 src 172.16.0.5',
    },
  ]);
  expect(leftAfterCures([...stranger, timedOut(10)])).toEqual([]);
});

test('without a source of its own the route takes the first address beside its gateway', () => {
  const first = changeFact('dev2', 'addresses', (all) =>
    [...all].sort((a, b) => Number(b.address === '172.16.0.5') - Number(a.address === '172.16.0.5')),
  );
  const found = soleDiagnosis([second, first, bound('0.0.0.0'), timedOut(10)]);
  expect(commands(found.fix)).toEqual(['ip route replace 0.0.0.0/0 via 172.16.0.1 dev eth0 src 172.16.0.12']);
});

test('what was logged a while ago may be mended', () => {
  expect(soleDiagnosis([...stranger, timedOut(600)])).toMatchObject({ cause, certainty: 'possible' });
});

test('where an upstream without such an excuse is silent too the reason may be another', () => {
  expect(soleDiagnosis([...stranger, timedOut(10), timedOut(10, '172.16.0.13')])).toMatchObject({ cause, certainty: 'possible' });
});

test('a server of which nginx does not complain notes the address it was asked on', () => {
  expectHealthy(stranger);
});

test.each([
  ['a server on the address that is asked', [second, preferring('172.16.0.5'), timedOut(10)]],
  ['a route that prefers the address that is asked', [second, preferring('172.16.0.12'), bound('0.0.0.0'), timedOut(10)]],
  ['lines from before the workers started', [...stranger, timedOut(7200)]],
  ['lines about another upstream', [...stranger, timedOut(10, '172.16.0.11')]],
  ['replies that are lost for another reason', [...stranger, timedOut(10), setIptables('proxy', 'mangle', [])]],
])('it is not told of %s', (_, change) => {
  expect(examineArticle(change).diagnoses.map((found) => found.cause)).not.toContain(cause);
});

test('packets that show the answers leave from there prove it, with or without a line in the log', () => {
  const query = dnsWay(2).map((each) => ({ ...each, src: each.src.replace(/:53$/, ':5300'), dst: each.dst.replace(/:53$/, ':5300') }));
  const seenFrom = (address: string) => {
    const answer = query.slice(0, 5).map((each, n) => (n === 4 ? { ...each, src: `${address}:5300` } : each));
    return observation([ended(answer, 'misdelivered', { service: 'udp:5300', upstream: '172.16.0.12' })]);
  };
  const told = (...args: Parameters<typeof diagnosesWith>) => diagnosesWith(...args).filter((found) => found.cause === cause);
  expect(told(seenFrom('172.16.0.5'), stranger)).toMatchObject([{ host: 'dev2', certainty: 'proven' }]);
  expect(told(seenFrom('172.16.0.5'), [...stranger, timedOut(600)])).toMatchObject([{ certainty: 'proven' }]);
  expect(told(seenFrom('172.16.0.12'), stranger)).toEqual([]);
});
