import { expect, test } from 'vitest';
import check from '../../../checks/worker/may-spoof.js';
import { changeFact, changeWorkers, editConfig, loseFact } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

test('workers without CAP_NET_RAW and CAP_NET_ADMIN fail for every transparent service', () => {
  const statuses = statusesOf(check, 'proxy', changeWorkers({ uid: 33, effectiveCapabilities: '0000000000000400' }));
  expect(statuses).toEqual({ 'http:80/#web': 'fail', 'http:80/#web6': 'fail', 'udp:53': 'fail', 'udp:5300': 'fail' });
});

test('an unprivileged worker with CAP_NET_ADMIN alone is fine', () => {
  expect(statusesOf(check, 'proxy', changeWorkers({ uid: 33, effectiveCapabilities: '1000' }))['udp:53']).toBe('pass');
});

test('one unable worker among able ones fails', () => {
  const change = changeFact('proxy', 'nginx', (nginx) => ({
    ...nginx,
    masters: nginx.masters.map((master) => ({
      ...master,
      workers: master.workers.flatMap((worker) => [worker, { ...worker, pid: worker.pid + 1, effectiveCapabilities: '0' }]),
    })),
  }));
  expect(findingsOf(check, 'proxy', change)[0]).toMatchObject({ status: 'fail', evidence: [{ source: '/proc/702/status' }] });
});

test('a service without "transparent" does not need it', () => {
  const change = [changeWorkers({ effectiveCapabilities: '0' }), editConfig('$remote_addr transparent', '127.0.0.1')];
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'udp:53': 'fail' });
});

test('unknown where nginx could not be looked at', () => {
  expect(statusesOf(check, 'proxy', loseFact('proxy', 'nginx'), { roles: new Map([['proxy', ['proxy']]]) })).toEqual({ proxy: 'unknown' });
});
