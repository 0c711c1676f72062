import { expect, test } from 'vitest';
import { changeFact, dropRoute } from '../../kit/change.js';
import { commands, edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const setDown = (host: string, link: string) =>
  changeFact(host, 'links', (links) => links.map((entry) => (entry.name === link ? { ...entry, up: false, state: 'DOWN' } : entry)));
// With the link the kernel drops the routes over it.
const down = [setDown('dev2', 'eth0'), dropRoute('dev2', '0.0.0.0/0'), dropRoute('dev2', '::/0')];

test('a link that is down is the one cause, and comes back with its default routes', () => {
  const found = soleDiagnosis(down);
  expect(found).toMatchObject({ cause: 'upstream/unreachable', host: 'dev2', severity: 'fault', certainty: 'proven' });
  expect(commands(found.fix)).toEqual([
    'ip link set eth0 up',
    'ip route add 0.0.0.0/0 via 172.16.0.1 dev eth0',
    'ip -6 route add ::/0 via fd00:16::1 dev eth0',
  ]);
  expect(leftAfterCures(down)).toEqual([]);
});

test('a link whose driver tells no carrier state is fine while it is up', () => {
  expectHealthy(changeFact('dev2', 'links', (links) => links.map((entry) => ({ ...entry, state: 'UNKNOWN' }))));
});

const ping = (ok: boolean) =>
  changeFact('proxy', 'pings', (pings) =>
    pings.map((one) => (one.to === '172.16.0.12' ? { ...one, ok, text: ok ? '1 received' : '0 received' } : one)),
  );
const neighbour = (states: string[], mac?: string) =>
  changeFact('proxy', 'neighbours', (all) => [
    ...all.filter(({ address }) => address !== '172.16.0.12'),
    { address: '172.16.0.12', link: 'eth1', states, ...(mac === undefined ? {} : { mac }) },
  ]);

test('an address that nobody answers for, neither to ARP nor to ping, is left out until somebody does', () => {
  const nobody = changeFact('dev2', 'addresses', (addresses) => addresses.filter(({ address }) => address !== '172.16.0.12'));
  const silent = [neighbour(['FAILED']), ping(false), nobody];
  const found = soleDiagnosis(silent);
  expect(found).toMatchObject({ cause: 'upstream/unreachable', host: 'proxy', severity: 'fault', certainty: 'proven' });
  expect(edits(found.fix)[0]).toMatch(/172\.16\.0\.12:80;? → .*down;?$/);
  expect(leftAfterCures(silent)).toEqual([]);
});

test('an entry that failed a while ago is fine where a ping is answered, and a silent host where there is an entry', () => {
  expectHealthy([neighbour(['FAILED']), ping(true)]);
  expectHealthy([neighbour(['FAILED']), ping(false)]);
  expectHealthy([neighbour(['STALE'], '02:00:00:00:00:12'), ping(false)]);
});

test('a link address set by hand that no host has is taken away', () => {
  const found = soleDiagnosis(neighbour(['PERMANENT'], '02:de:ad:00:00:99'));
  expect(found).toMatchObject({ cause: 'upstream/unreachable', host: 'proxy' });
  expect(commands(found.fix)).toEqual(['ip neighbour del 172.16.0.12 dev eth1']);
  expect(found.fix[0]).toMatchObject({ undo: 'ip neighbour replace 172.16.0.12 dev eth1 lladdr 02:de:ad:00:00:99 nud permanent' });
});
