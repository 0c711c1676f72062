import { expect, test } from 'vitest';
import { type Change, masterPid } from '../../kit/article.js';
import { changeFact, editConfig } from '../../kit/change.js';
import { edits, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

/** The worker once more. */
const twoWorkers: Change = changeFact('proxy', 'nginx', (nginx) => ({
  ...nginx,
  masters: nginx.masters.map((master) => ({
    ...master,
    workers: [...master.workers, ...master.workers.map((worker) => ({ ...worker, pid: masterPid + 2 }))],
  })),
}));

/** Sessions that only silence ends. */
const lasting: Change = editConfig('        proxy_responses 1;\n', '');
/** Syslog: nobody answers. */
const oneWay = [editConfig('listen 5300', 'listen 514'), editConfig('proxy_responses 1;', 'proxy_responses 0;')];

test('two workers that share a socket are a risk where sessions last for several datagrams', () => {
  const found = soleDiagnosis([twoWorkers, lasting]);
  expect(found).toMatchObject({ cause: 'nginx/udp-without-reuseport', host: 'proxy', severity: 'risk', services: ['udp:5300'] });
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:53: listen 5300 udp; → listen 5300 udp reuseport;']);
});

test('one worker shares with nobody', () => {
  expectHealthy(lasting);
});

test.each([
  ['each worker has its own socket', [lasting, editConfig('listen 5300 udp;', 'listen 5300 udp reuseport;')]],
  ['each datagram is a session', [editConfig('proxy_responses 1;', 'proxy_requests 1;')]],
  ['an answer ends the session', []],
  ['one datagram asks and one answers', [lasting, editConfig('listen 5300', 'listen 123')]],
  ['the first datagram ends the session', oneWay],
])('two workers do no harm where %s', (_, change) => {
  expectHealthy([twoWorkers, ...change]);
});

test('several datagrams of a session that are asked for count for DNS as well', () => {
  const several = editConfig('proxy_responses 1;', 'proxy_responses 1;\n        proxy_requests 4;');
  expect(soleDiagnosis([twoWorkers, several, editConfig('listen 5300', 'listen 123')]).cause).toBe('nginx/udp-without-reuseport');
});
