import { expect, test } from 'vitest';
import { addressOf, type Change, upstreams } from '../../kit/article.js';
import { changeFact, editConfig } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { causesOf, edits, examineArticle, soleDiagnosis } from '../../kit/rules.js';

const waiting = editConfig('proxy_responses 0;', 'proxy_responses 1;');
const uncounted = editConfig('        proxy_responses 0;\n        proxy_timeout 1s;\n', '        proxy_timeout 10s;\n');
const neverDown: readonly Change[] = upstreams.map((name) => editConfig(`${addressOf(name)}:53;`, `${addressOf(name)}:53 max_fails=0;`));
const timedOut = logLine('upstream-timeout', 10, { errno: 110, upstream: 'udp://172.16.0.11:53' });

test('servers that answer past nginx are marked down: a fault', () => {
  const found = soleDiagnosis(waiting);
  expect(found).toMatchObject({ cause: 'nginx/dsr-waits-for-replies', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:48: proxy_responses 1; → proxy_responses 0;']);
  expect(soleDiagnosis([waiting, timedOut]).certainty).toBe('proven');
});

test('where no server can be marked down it is a risk, until the log complains', () => {
  expect(soleDiagnosis([waiting, ...neverDown])).toMatchObject({ cause: 'nginx/dsr-waits-for-replies', severity: 'risk' });
  expect(soleDiagnosis([waiting, ...neverDown, timedOut])).toMatchObject({ severity: 'fault' });
});

test('sessions that only time out are a risk, until worker_connections are used up', () => {
  const found = soleDiagnosis(uncounted);
  expect(found).toMatchObject({ cause: 'nginx/dsr-waits-for-replies', severity: 'risk' });
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:49: null →         proxy_responses 0;']);
  expect(soleDiagnosis([uncounted, logLine('worker-connections', 10)])).toMatchObject({ severity: 'fault', certainty: 'proven' });
});

test('an upstream that the rewrite misses does not make it a service of method 1', () => {
  const oneLess = changeFact('proxy', 'trafficControl', ({ qdiscs, filters }) => ({ qdiscs, filters: filters.slice(1) }));
  expect(causesOf(examineArticle([waiting, oneLess]))).toEqual(['nginx/dsr-waits-for-replies proxy', 'dsr/rewrite-misses-upstream proxy']);
});

test('replies that nobody rewrites are awaited rightly: then a mark is missing', () => {
  const nothing = changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }));
  expect(causesOf(examineArticle([waiting, nothing]))).toEqual(['proxy/mark-rule-missing proxy']);
});
