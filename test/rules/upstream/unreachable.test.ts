import { expect, test } from 'vitest';
import { changeFact, dropRoute } from '../../kit/change.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

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
