import { expect, test } from 'vitest';
import check from '../../../checks/nginx/config-is-running.js';
import { configFile } from '../../kit/article.js';
import { changeFact, changeMaster } from '../../kit/change.js';
import { now } from '../../kit/host.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

const modified = (seconds: number) =>
  changeFact('proxy', 'nginxConfig', (configs) =>
    configs.map((config) => {
      const file = config.files[configFile];
      return file?.ok ? { ...config, files: { ...config.files, [configFile]: { ...file, modifiedAt: now - 3600 + seconds } } } : config;
    }),
  );

test('a file changed after the oldest worker started is a warning', () => {
  expect(findingsOf(check, 'proxy', modified(60))).toMatchObject([{ status: 'warn', evidence: [{ source: configFile }] }]);
});

test('half a second is within what clocks allow', () => {
  expect(statusesOf(check, 'proxy', modified(0.4))).toEqual({ proxy: 'pass' });
  expect(statusesOf(check, 'proxy', modified(0.6))).toEqual({ proxy: 'warn' });
});

test('one old worker among fresh ones still runs the old configuration', () => {
  const fresh = changeFact('proxy', 'nginx', (nginx) => ({
    ...nginx,
    masters: nginx.masters.map((master) => ({
      ...master,
      workers: master.workers.flatMap((worker) => [{ ...worker, pid: 900, startedAt: now }, worker]),
    })),
  }));
  expect(statusesOf(check, 'proxy', [fresh, modified(60)])).toEqual({ proxy: 'warn' });
});

test('nothing is said where no worker runs', () => {
  expect(statusesOf(check, 'proxy', [changeMaster({ workers: [] }), modified(60)])).toEqual({});
});
