import { expect, test } from 'vitest';
import { vip } from '../../kit/article.js';
import { changeFact, setIptables } from '../../kit/change.js';
import { causesOf, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const unwritten = changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }));
const snat = setIptables('proxy', 'nat', [`-A POSTROUTING -s 172.16.0.0/28 -o eth0 -p udp -m udp --sport 53 -j SNAT --to-source ${vip}`]);
const outbound = setIptables('proxy', 'nat', ['-A POSTROUTING -s 172.16.0.0/28 -o eth0 -j MASQUERADE']);

test('connection tracking never asks a nat rule for the replies', () => {
  const found = soleDiagnosis([unwritten, snat]);
  expect(found).toMatchObject({ cause: 'dsr/stateful-snat', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(leftAfterCures([unwritten, snat])).toEqual([]);
});

test("masquerading of the upstreams' own traffic was not meant for replies", () => {
  expect(causesOf(examineArticle([unwritten, outbound]))).toEqual(['dsr/reply-not-rewritten proxy']);
});

test('beside a stateless rewrite it does no harm', () => {
  expectHealthy(snat);
});
