import { expect, test } from 'vitest';
import { editConfig } from '../../kit/change.js';
import { edits, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

test('where a mark rule brings the replies back nginx has to wait for one', () => {
  const change = editConfig('proxy_responses 1;', 'proxy_responses 0;');
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({
    cause: 'nginx/responses-zero-but-replies-return',
    host: 'proxy',
    severity: 'fault',
    services: ['udp:5300'],
  });
  expect(edits(found.fix)).toEqual(['/etc/nginx/nginx.conf:55: proxy_responses 0; → proxy_responses 1;']);
  expect(leftAfterCures(change)).toEqual([]);
});

test('several responses are fine', () => {
  expectHealthy(editConfig('proxy_responses 1;', 'proxy_responses 2;'));
});
