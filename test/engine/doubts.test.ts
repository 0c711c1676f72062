import { expect, test } from 'vitest';
import type { FactName } from '../../src/types.js';
import type { Change } from '../kit/article.js';
import { changeFact, changeMaster, dropMarkRules, editConfig, loseFact, setIptables } from '../kit/change.js';
import { now } from '../kit/host.js';
import { logLine } from '../kit/log-line.js';
import { causesOf, examineArticle } from '../kit/rules.js';

/** Asserts that a change leaves the case in doubt, accuses nobody, and gives the doubts. */
function doubtsOf(change: Change | readonly Change[]) {
  const report = examineArticle(change);
  expect({ causes: causesOf(report), verdict: report.verdict }).toEqual({ causes: [], verdict: 'undetermined' });
  return report.notExamined;
}

const beyond = '-m string --string x --algo bm';

test.each([
  ['a mark', 'mangle', `-A PREROUTING ${beyond} -j MARK --set-xmark 0x7/0xffffffff`],
  ['a drop on the way in', 'filter', `-A INPUT -i eth1 ${beyond} -j DROP`],
  ['a masquerade', 'nat', `-A POSTROUTING -o eth1 ${beyond} -j MASQUERADE`],
] as const)('a rule that cannot be evaluated and decides %s is named', (_title, table, rule) => {
  const rules = table === 'mangle' ? [rule] : [rule];
  const doubts = doubtsOf(setIptables('proxy', table, rules));
  expect(doubts.some(({ what, why }) => `${what} ${why}`.includes('--string x'))).toBe(true);
});

test('a rule that cannot be evaluated but changes nothing leaves no doubt', () => {
  const report = examineArticle(setIptables('proxy', 'filter', [`-A INPUT ${beyond} -j ACCEPT`]));
  expect(report.verdict).toBe('healthy');
});

test('a fault elsewhere on the path is named in spite of such a rule', () => {
  const report = examineArticle([setIptables('proxy', 'filter', [`-A INPUT -i eth0 ${beyond} -j DROP`]), dropMarkRules('proxy')]);
  expect(causesOf(report)).toEqual(['proxy/policy-rule-missing proxy']);
  expect(report.verdict).toBe('faulty');
});

test.each<[string, FactName]>([
  ['proxy', 'iptablesLegacy'],
  ['proxy', 'iptablesNft'],
  ['proxy', 'nft'],
  ['proxy', 'routes'],
  ['proxy', 'policyRules'],
  ['proxy', 'sysctls'],
  ['proxy', 'links'],
  ['proxy', 'trafficControl'],
  ['proxy', 'nginx'],
  ['proxy', 'nginxConfig'],
  ['dev2', 'iptablesNft'],
  ['dev2', 'routes'],
  ['dev2', 'policyRules'],
  ['dev2', 'sysctls'],
  ['dev2', 'sockets'],
  ['dev2', 'addresses'],
])('what %s did not give away (%s) could hide a fault, and is named with its reason', (host, fact) => {
  const doubts = doubtsOf(loseFact(host, fact, 'permission denied by test'));
  expect(doubts.some(({ why }) => why.includes('permission denied by test'))).toBe(true);
});

test('addresses of a host that no path needs are not missed', () => {
  expect(examineArticle(loseFact('client', 'addresses')).verdict).toBe('healthy');
});

const timeout = (ago: number) => logLine('upstream-timeout', ago, { upstream: 'http://172.16.0.11:80/' });

test('a timeout of the last minute on a whole path asks for a trace of that port', () => {
  const doubts = doubtsOf(timeout(20));
  expect(doubts.filter(({ settle }) => settle?.includes('trace --port 80'))).toHaveLength(1);
});

test('an older timeout is history', () => {
  expect(examineArticle(timeout(120)).verdict).toBe('healthy');
});

test('a timeout after which a request succeeded is history', () => {
  const success = changeFact('proxy', 'nginxClients', (seen) => [
    ...seen,
    { address: '192.168.99.50', at: now - 10, status: 200, log: '/var/log/nginx/access.log' },
  ]);
  expect(examineArticle([timeout(20), success]).verdict).toBe('healthy');
});

test('a timeout of a broken path is explained by its fault', () => {
  const report = examineArticle([timeout(20), dropMarkRules('proxy')]);
  expect(report.verdict).toBe('faulty');
  expect(report.notExamined.filter(({ settle }) => settle?.includes('trace'))).toEqual([]);
});

test('an upstream whose name nobody resolved is named with its line', () => {
  const doubts = doubtsOf(editConfig('server 172.16.0.11:80;', 'server app1.example:80;'));
  expect(doubts.some(({ what }) => what.includes('app1.example'))).toBe(true);
});

test('the name of an upstream of a plain service does not matter', () => {
  const plain = editConfig('listen 80;', 'listen 80;\n        location /plain { proxy_pass http://app1.example; }');
  expect(examineArticle(plain).verdict).toBe('healthy');
});

test('a name that /etc/hosts has is no doubt', () => {
  const report = examineArticle([
    editConfig('server 172.16.0.11:80;', 'server app1.example:80;'),
    changeFact('proxy', 'hostNames', () => ({ 'app1.example': ['172.16.0.11'] })),
  ]);
  expect(report.verdict).toBe('healthy');
});

test('a broken path that no rule explains is told with the step at which it ends', () => {
  const doubts = examineArticle(dropMarkRules('proxy'), { rules: new Map() }).notExamined;
  expect(doubts.some(({ what, why }) => what.startsWith('proxy') && why.includes('no known cause explains it'))).toBe(true);
});

test('an included file that could not be read is told with its place', () => {
  const doubts = doubtsOf([
    editConfig('worker_processes 1;', 'include /etc/nginx/secret.conf;'),
    changeFact('proxy', 'nginxConfig', (configs) =>
      configs.map((config) => ({
        ...config,
        files: { ...config.files, '/etc/nginx/secret.conf': { ok: false as const, why: 'permission denied' } },
      })),
    ),
  ]);
  expect(doubts.some(({ what }) => what.includes('/etc/nginx/'))).toBe(true);
});

test('a master whose workers died of nothing known is told once, with what its log says last of each kind', () => {
  const dead = changeMaster({ workers: [] });
  const [silent] = examineArticle(dead).notExamined;
  expect(silent).toMatchObject({ what: expect.stringContaining('udp:5300'), why: expect.stringContaining('says nothing') });
  const logged = [
    logLine('worker-user', 12, { text: 'an older one' }),
    logLine('worker-user', 11, { text: 'setgid(33) failed' }),
    logLine('worker-died', 10, { text: 'exited' }),
  ];
  const told = examineArticle([dead, ...logged]).notExamined;
  expect(told).toMatchObject([{ why: expect.stringContaining('setgid(33) failed; exited') }]);
});
