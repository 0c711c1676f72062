import { expect, test } from 'vitest';
import { loadChecks, loadRules } from '../../src/engine/catalogue.js';
import { examine } from '../../src/engine/examine.js';
import { articleCase, articleSnapshots } from './article.js';
import { broughtAbout } from './standing-risks.js';

test('every predicted walk of the healthy article is whole, and there is one for each service, client and upstream', () => {
  const { walks } = articleCase();
  const ends = walks.map(({ service, upstream, end, steps }) => `${service.id} ${upstream.name} ${end} ${steps.at(-1)?.did}`);
  expect(ends.filter((text) => !text.includes(' whole '))).toEqual([]);
  expect(walks).toHaveLength(16);
});

test('no rule and no check finds anything wrong with the healthy article', async () => {
  const snapshots = articleSnapshots();
  const report = examine({
    snapshots,
    hosts: [...snapshots.keys()].map((name) => ({ name, target: name, reached: true })),
    options: { clients: [], roles: new Map() },
    checks: await loadChecks(),
    rules: await loadRules(),
    skipped: [],
  });
  expect(broughtAbout(report.diagnoses).map(({ cause, host, summary }) => ({ cause, host, summary }))).toEqual([]);
  expect(report.verdict).toBe('healthy');
  const odd = report.findings.filter(({ status }) => status !== 'pass');
  expect(odd.map(({ check, status }) => `${check} ${status}`)).toEqual([]);
});
