import { expect, test } from 'vitest';
import { loadChecks } from '../../src/engine/catalogue.js';
import { runChecks } from '../../src/engine/run-checks.js';
import { articleCase } from '../kit/article.js';
import { articleFaults } from '../kit/cases.js';

const checks = await loadChecks();

/** `host check` for each finding that accuses. */
function accused(name: string): string[] {
  const findings = runChecks(articleCase({ change: articleFaults[name] ?? [] }), checks);
  expect(findings.filter(({ status }) => status === 'crash')).toEqual([]);
  const bad = findings.filter(({ status }) => status === 'fail' || status === 'warn');
  return [...new Set(bad.map(({ host, check }) => `${host} ${check}`))].sort();
}

/** What each fault makes the checks say over all hosts: this, and nothing of anything else. */
const expected: Readonly<Record<keyof typeof articleFaults, readonly string[]>> = {
  'nothing is wrong': [],
  'workers may not spoof': ['proxy worker/may-spoof'],
  'no workers': ['proxy worker/alive', 'proxy worker/net-raw-in-bounding-set'],
  'transparent is missing': ['proxy nginx/transparent-present'],
  'DSR without the client port': ['proxy nginx/bind-port'],
  'upstream names unknown': [],
  'the log complains': [
    'proxy nginx/log-without-dead-workers',
    'proxy nginx/log-without-failed-binds',
    'proxy nginx/log-without-refused-spoofing',
    'proxy nginx/log-without-upstream-timeouts',
  ],
  'upstreams do not listen': ['dev1', 'dev2', 'dev3', 'dev4'].map((host) => `${host} upstream/service-listens`),
  'replies are not marked': ['proxy proxy/replies-are-marked'],
  'no policy rule': ['proxy proxy/policy-rule-for-mark'],
  'no local route': ['proxy proxy/local-route-for-clients'],
  src_valid_mark: ['proxy proxy/src-valid-mark-spares-replies'],
  'clients masqueraded': ['proxy proxy/client-address-survives'],
  'INPUT drops replies': ['proxy proxy/firewall-admits-replies'],
  'no forwarding': ['proxy dsr/replies-are-forwarded'],
  'no forwarding, and no way out for upstreams': ['proxy dsr/replies-are-forwarded', 'proxy proxy/forwards-for-upstreams'],
  'nothing rewrites': ['proxy dsr/replies-are-rewritten'],
  'early demux': ['proxy dsr/early-demux-spares-replies'],
  'upstream without route': ['dev1 upstream/has-route-to-client', 'dev1 upstream/rp-filter-admits-clients'],
  'upstream with another gateway': ['dev1 upstream/route-leads-to-proxy'],
  'client connected to an upstream': ['dev1 upstream/clients-are-elsewhere', 'dev1 upstream/rp-filter-admits-clients'],
  'upstream admits nginx alone': ['dev1 upstream/firewall-admits-requests'],
  'an upstream was not named': [],
  'an upstream is on nginx own host': ['proxy proxy/route-to-upstreams'],
};

test('every fault of the kit is in the table', () => {
  expect(Object.keys(expected).sort()).toEqual(Object.keys(articleFaults).sort());
});

test.each(Object.keys(articleFaults))('%s: the checks accuse what is wrong and nothing else', (name) => {
  expect(accused(name)).toEqual(expected[name]);
});
