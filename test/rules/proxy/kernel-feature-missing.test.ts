import { expect, test } from 'vitest';
import { type Change, rewriteFilter } from '../../kit/article.js';
import { changeFact } from '../../kit/change.js';
import { causesOf, commands, examineArticle, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const kernel = (act_nat: boolean | undefined): Change =>
  changeFact('proxy', 'kernelFeatures', (fact) => ({ ...fact, features: { ...fact.features, act_nat } }));
const qdisc = (kind: string, handle = '10:'): Change =>
  changeFact('proxy', 'trafficControl', () => ({ qdiscs: [{ link: 'eth0', kind, handle }], filters: [] }));

test.each([
  ['htb', '10:'],
  ['clsact', 'ffff:'],
])('an empty %s on a kernel without act_nat was meant for the rewrite', (kind, handle) => {
  const change = [kernel(false), qdisc(kind, handle)];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'proxy/kernel-feature-missing', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  const [run = '', ...others] = commands(found.fix);
  expect(others).toEqual([]);
  expect(run).toMatch(/^nft '.*ip saddr set 192\.168\.99\.10/s);
  expect(leftAfterCures(change)).toEqual([]);
});

test.each([
  ['a kernel that has it', [kernel(true), qdisc('htb')]],
  ['a kernel of which nothing is known', [kernel(undefined), qdisc('htb')]],
  ["the kernel's own discipline", [kernel(false), qdisc('fq_codel', '8001:')]],
  ['no discipline at all', [kernel(false), changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }))]],
])('with %s the rewrite is just missing', (_, change) => {
  expect(causesOf(examineArticle(change))).toEqual(['dsr/reply-not-rewritten proxy']);
});

test('filters that are there were loaded, whatever the list of modules says', () => {
  const filtered = changeFact('proxy', 'trafficControl', (control) => ({
    ...control,
    filters: [rewriteFilter('172.16.0.99')],
  }));
  expect(causesOf(examineArticle([kernel(false), filtered]))).not.toContain('proxy/kernel-feature-missing proxy');
});
