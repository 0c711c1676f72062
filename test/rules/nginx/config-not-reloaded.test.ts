import { expect, test } from 'vitest';
import { type Change, client, configFile } from '../../kit/article.js';
import { changeFact, changeWorkers, dropSockets } from '../../kit/change.js';
import { now } from '../../kit/host.js';
import { logLine } from '../../kit/log-line.js';
import { commands, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const changedAt = (seconds: number): Change =>
  changeFact('proxy', 'nginxConfig', (configs) =>
    configs.map((config) => {
      const file = config.files[configFile];
      return file?.ok ? { ...config, files: { ...config.files, [configFile]: { ...file, modifiedAt: seconds } } } : config;
    }),
  );
const changed = changedAt(now - 60);
const reload = ['/usr/sbin/nginx -p /usr/share/nginx/ -c /etc/nginx/nginx.conf -s reload'];

test('a file that is newer than the workers is a risk', () => {
  const found = soleDiagnosis(changed);
  expect(found).toMatchObject({ cause: 'nginx/config-not-reloaded', host: 'proxy', severity: 'risk' });
  expect(commands(found.fix)).toEqual(reload);
});

test.each([
  [
    'a bind fails for want of "transparent", which the file has',
    logLine('bind', 10, { errno: 99, client, upstream: 'http://172.16.0.11:80/' }),
  ],
  ['an upstream is asked that the file does not name', logLine('upstream-timeout', 10, { upstream: 'http://172.16.0.99:80/' })],
  ['nothing listens on a port of the file', dropSockets('proxy', 5300)],
  ['workers lack what a reload would give them', changeWorkers({ effectiveCapabilities: '0' })],
])('it is a fault where %s', (_, contradiction) => {
  const found = soleDiagnosis([changed, contradiction]);
  expect(found).toMatchObject({ cause: 'nginx/config-not-reloaded', severity: 'fault', certainty: 'proven' });
  expect(commands(found.fix)).toEqual(reload);
});

test('a reload right after the change, and lines from before it, are fine', () => {
  expectHealthy(changedAt(now - 3600 + 0.3));
  expectHealthy(logLine('bind', 4000, { errno: 99, client, upstream: 'http://172.16.0.11:80/' }));
});
