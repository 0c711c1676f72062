import { expect, test } from 'vitest';
import { changeMaster, changeWorkers } from '../../kit/change.js';
import { causesOf, commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const withoutNetRaw = '000001ffffffdfff';
const dead = changeMaster({ boundingCapabilities: withoutNetRaw, workers: [] });

test('a master without CAP_NET_RAW in its bounding set and without workers is started anew', () => {
  const found = soleDiagnosis(dead);
  expect(found).toMatchObject({
    cause: 'worker/capability-outside-bounding-set',
    host: 'proxy',
    severity: 'fault',
    certainty: 'proven',
    services: ['http:80/#web', 'http:80/#web6', 'udp:53', 'udp:5300'],
  });
  expect(commands(found.fix)[0]).toMatch(/^kill -QUIT 700;/);
  expect(leftAfterCures(dead)).toEqual([]);
});

test('a master without workers that may have CAP_NET_RAW is another fault', () => {
  const report = examineArticle(changeMaster({ workers: [] }));
  expect(causesOf(report)).toEqual([]);
  expect(report.verdict).toBe('undetermined');
  expect(report.notExamined).toHaveLength(1);
});

test('workers that live in such a bounding set by CAP_NET_ADMIN are fine', () => {
  expectHealthy([changeMaster({ boundingCapabilities: withoutNetRaw }), changeWorkers({ effectiveCapabilities: '0000000000001000' })]);
});
