import { expect, test } from 'vitest';
import { type Change, configFile } from '../../kit/article.js';
import { changeFact, changeMaster, dropSockets, editConfig, loseFact } from '../../kit/change.js';
import { now } from '../../kit/host.js';
import { logLine } from '../../kit/log-line.js';
import { causesOf, commands, edits, examineArticle, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

const path = '/usr/lib/nginx/modules/ngx_stream_module.so';
const dynamic = changeMaster({
  configureArguments: '--prefix=/usr/share/nginx --modules-path=/usr/lib/nginx/modules --with-stream=dynamic',
});
const onDisk = changeMaster({ streamModule: path });
const closed = [dropSockets('proxy', 53), dropSockets('proxy', 5300)];
const changedLately: Change = changeFact('proxy', 'nginxConfig', (configs) =>
  configs.map((config) => {
    const file = config.files[configFile];
    return file?.ok ? { ...config, files: { ...config.files, [configFile]: { ...file, modifiedAt: now - 60 } } } : config;
  }),
);
const refused = logLine('stream-unknown', 50, { text: '[emerg] 700#700: unknown directive "stream" in /etc/nginx/nginx.conf:32' });

test('a stream block without its module is a fault where its ports are closed, and a line that loads it the cure', () => {
  const found = soleDiagnosis([dynamic, onDisk, changedLately, ...closed]);
  expect(found).toMatchObject({
    cause: 'nginx/stream-module-missing',
    host: 'proxy',
    severity: 'fault',
    certainty: 'consistent',
    services: ['udp:53', 'udp:5300'],
  });
  expect(edits(found.fix)).toEqual([`/etc/nginx/nginx.conf:1: null → load_module ${path};`]);
  expect(commands(found.fix)).toEqual(['/usr/sbin/nginx -p /usr/share/nginx/ -c /etc/nginx/nginx.conf -s reload']);
});

test("nginx's own refusal proves it", () => {
  expect(soleDiagnosis([dynamic, onDisk, changedLately, ...closed, refused]).certainty).toBe('proven');
});

test('a module that is not on disk is installed first', () => {
  expect(soleDiagnosis([dynamic, ...closed]).fix[0]).toMatchObject({
    run: 'apt-get update && apt-get install -y libnginx-mod-stream',
    undo: 'apt-get purge -y libnginx-mod-stream',
  });
});

test('a binary without any stream module cannot be helped by a file', () => {
  expect(soleDiagnosis([changeMaster({ configureArguments: '--prefix=/usr/share/nginx' }), ...closed]).fix).toEqual([]);
});

test('as long as the ports are open it is a risk of the next reload', () => {
  expect(soleDiagnosis([dynamic, onDisk])).toMatchObject({ severity: 'risk' });
});

test.each([
  ['a line loads it', [dynamic, editConfig('user www-data;', `load_module ${path};\nuser www-data;`)]],
  ['the binary could not be asked', [changeMaster({ configureArguments: '' })]],
  ['nothing but http is configured', [dynamic, editConfig('stream {', '#stream {'), editConfig('listen 53 udp', 'listen 53')]],
])('nothing is said where %s', (_, change) => {
  expect(causesOf(examineArticle(change))).not.toContain('nginx/stream-module-missing proxy');
});

test('a line that loads it is enough', () => {
  expectHealthy([dynamic, editConfig('user www-data;', 'load_module modules/ngx_stream_module.so;\nuser www-data;')]);
});

test('sockets that are not known accuse nobody', () => {
  expect(examineArticle([dynamic, onDisk, loseFact('proxy', 'sockets')]).diagnoses).toContainEqual(
    expect.objectContaining({ cause: 'nginx/stream-module-missing', severity: 'risk' }),
  );
});
