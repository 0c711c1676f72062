import { expect, test } from 'vitest';
import { changeMaster, changeWorkers } from '../../kit/change.js';
import { commands, edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const all = ['http:80/#web', 'http:80/#web6', 'udp:53', 'udp:5300'];
const powerless = changeWorkers({ effectiveCapabilities: '0000000000000000' });
const reload = '/usr/sbin/nginx -p /usr/share/nginx/ -c /etc/nginx/nginx.conf -s reload';

test('workers of a master that is not root are started anew by root', () => {
  const change = [changeMaster({ uid: 33, effectiveCapabilities: '0' }), powerless];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'worker/cannot-spoof', host: 'proxy', severity: 'fault', certainty: 'proven', services: all });
  const [restart = ''] = commands(found.fix);
  expect(restart).toMatch(/^kill -QUIT 700;/);
  expect(restart).toMatch(/; \/usr\/sbin\/nginx -p \/usr\/share\/nginx\/ -c \/etc\/nginx\/nginx\.conf$/);
  expect(leftAfterCures(change)).toEqual([]);
});

test('an nginx that cannot leave the capability to another user gets workers of root', () => {
  const change = [changeMaster({ version: '1.12.2' }), powerless];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'worker/cannot-spoof', services: all });
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:1: user www-data; → user root;']);
  expect(commands(found.fix)).toEqual([reload]);
  expect(leftAfterCures(change)).toEqual([]);
});

test('workers that were started before the configuration said transparent are started anew', () => {
  expect(soleDiagnosis(powerless)).toMatchObject({ cause: 'worker/cannot-spoof', services: all });
  expect(leftAfterCures(powerless)).toEqual([]);
});

test('an unprivileged worker with CAP_NET_ADMIN alone is fine', () => {
  expectHealthy(changeWorkers({ effectiveCapabilities: '0000000000001000' }));
});

test('an unprivileged master whose workers have CAP_NET_RAW as ambient capability is fine', () => {
  expectHealthy([
    changeMaster({ uid: 33, gid: 33, effectiveCapabilities: '2000', noNewPrivileges: true }),
    changeWorkers({ effectiveCapabilities: '0000000000002000', noNewPrivileges: true }),
  ]);
});

test('an old nginx whose workers are root is fine', () => {
  expectHealthy([changeMaster({ version: '1.12.2' }), changeWorkers({ uid: 0, gid: 0, effectiveCapabilities: '000001ffffffffff' })]);
});
