import { expect, test } from 'vitest';
import check from '../../../checks/worker/net-raw-in-bounding-set.js';
import { changeMaster, changeWorkers } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const withoutNetRaw = '000001ffffffdfff';

test('outside the set and no worker left is a fault', () => {
  expect(statusesOf(check, 'proxy', changeMaster({ boundingCapabilities: withoutNetRaw, workers: [] }))).toEqual({ proxy: 'fail' });
});

test('outside the set with workers that started before is a warning', () => {
  expect(statusesOf(check, 'proxy', changeMaster({ boundingCapabilities: withoutNetRaw }))).toEqual({ proxy: 'warn' });
});

test('root workers with CAP_NET_ADMIN do without it', () => {
  const change = [changeMaster({ boundingCapabilities: withoutNetRaw }), changeWorkers({ uid: 0, effectiveCapabilities: withoutNetRaw })];
  expect(statusesOf(check, 'proxy', change)).toEqual({ proxy: 'pass' });
});
