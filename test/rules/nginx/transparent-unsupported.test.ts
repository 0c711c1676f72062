import { expect, test } from 'vitest';
import { changeFact, changeMaster, changeWorkers, editConfig } from '../../kit/change.js';
import { logLine } from '../../kit/log-line.js';
import { causesOf, commands, examineArticle, expectHealthy, soleDiagnosis } from '../../kit/rules.js';

// Made, not recorded: no nginx as old as this runs on the systems that the labs can build.
const old = [changeMaster({ version: '1.10.3' }), changeWorkers({ effectiveCapabilities: '0' })];
const withoutVersion = changeFact('proxy', 'nginx', (nginx) => ({
  ...nginx,
  masters: nginx.masters.map(({ version: _version, ...master }) => master),
}));
const ignored = logLine('transparent-unsupported', 10, {
  text: '[emerg] 700#700: transparent proxying is not supported on this platform, ignored in /etc/nginx/nginx.conf:17',
});

test('an nginx from before the parameter is upgraded and started anew; its workers are blamed for nothing', () => {
  const found = soleDiagnosis(old);
  expect(found).toMatchObject({ cause: 'nginx/transparent-unsupported', host: 'proxy', severity: 'fault', certainty: 'proven' });
  expect(found.services).toHaveLength(4);
  expect(commands(found.fix)).toEqual([
    'apt-get update && apt-get install -y nginx',
    expect.stringMatching(/^kill -QUIT 700;.*; \/usr\/sbin\/nginx -p \/usr\/share\/nginx\/ -c \/etc\/nginx\/nginx\.conf$/),
  ]);
});

test('a build that ignores the word says so itself', () => {
  expect(soleDiagnosis(ignored).cause).toBe('nginx/transparent-unsupported');
});

test('a count of arguments that a newer nginx complains of is some other mistake', () => {
  const mistake = logLine('transparent-unsupported', 10, {
    text: '[emerg] 700#700: invalid number of arguments in "proxy_bind" directive in /etc/nginx/nginx.conf:17',
  });
  expectHealthy(mistake);
});

test('the first version that has it and one that is not known are fine', () => {
  expectHealthy(changeMaster({ version: '1.11.0' }));
  expectHealthy(withoutVersion);
});

test('an old nginx whose files lack the word needs both', () => {
  expect(causesOf(examineArticle([changeMaster({ version: '1.10.3' }), editConfig(' transparent;', ';')]))).toEqual([
    'nginx/transparent-keyword-missing proxy',
    'nginx/transparent-unsupported proxy',
  ]);
});
