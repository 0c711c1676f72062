import { expect, test } from 'vitest';
import check from '../../../checks/nginx/config-can-be-read.js';
import { changeFact, editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('what nginx would reject is a warning, for the workers run on', () => {
  expect(statusesOf(check, 'proxy', editConfig('proxy_pass names_method1;', 'proxy_pass names_method1; listen'))).toEqual({
    proxy: 'warn',
  });
});

test('it is said even where so little is left that nginx serves nothing', () => {
  expect(statusesOf(check, 'proxy', editConfig('worker_processes 1;', 'worker_processes 1; }'))).toEqual({ proxy: 'warn' });
});

test('an include that could not be read is unknown', () => {
  const change = [
    editConfig('worker_processes 1;', 'worker_processes 1; include extra.conf;'),
    changeFact('proxy', 'nginxConfig', (configs) =>
      configs.map((config) => ({
        ...config,
        files: { ...config.files, '/etc/nginx/extra.conf': { ok: false, why: 'permission denied' } },
      })),
    ),
  ];
  expect(statusesOf(check, 'proxy', change)).toEqual({ proxy: 'unknown' });
});

test('a whole configuration passes', () => {
  expect(statusesOf(check, 'proxy')).toEqual({ proxy: 'pass' });
});
