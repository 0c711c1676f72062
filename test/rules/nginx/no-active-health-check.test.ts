import { expect, test } from 'vitest';
import type { Change } from '../../kit/article.js';
import { changeMaster, editConfig } from '../../kit/change.js';
import { examineArticle, withoutDsr } from '../../kit/rules.js';

const risksOf = (change: Change | readonly Change[] = []) =>
  examineArticle(change).diagnoses.filter(({ cause }) => cause === 'nginx/no-active-health-check');

test('several servers that nobody watches are a risk of a DSR service, and of no other', () => {
  expect(risksOf()).toMatchObject([{ host: 'proxy', severity: 'risk', services: ['udp:53'], fix: [] }]);
  expect(risksOf(withoutDsr)).toEqual([]);
});

test.each([
  ['a health check of its own', editConfig('proxy_pass names;', 'proxy_pass names;\n        health_check;')],
  [
    'another server block checks the same group',
    editConfig(
      '    server {\n        listen 53 udp;',
      '    server {\n        listen 127.0.0.1:1053 udp;\n        health_check;\n        proxy_pass names;\n    }\n    server {\n        listen 53 udp;',
    ),
  ],
  ['the group is checked by a module', editConfig('upstream names {', 'upstream names {\n        check interval=3000 rise=2 fall=5;')],
  [
    'one server alone is in use',
    editConfig('server 172.16.0.12:53;\n        server 172.16.0.13:53;\n        server 172.16.0.14:53;', 'server 172.16.0.12:53 down;'),
  ],
])('no risk where %s', (_, change) => {
  expect(risksOf(change)).toEqual([]);
});

test('a health check of another group is none of this one', () => {
  expect(risksOf(editConfig('proxy_pass names_method1;', 'proxy_pass names_method1;\n        health_check;'))).toHaveLength(1);
});

test('it waits until what breaks the service is cured', () => {
  const broken = editConfig('$remote_addr:$remote_port transparent', '$remote_addr:$remote_port');
  const [first] = examineArticle(broken).diagnoses;
  expect(first?.cause).toBe('nginx/transparent-keyword-missing');
  expect(risksOf(broken)).toHaveLength(1);
  expect(risksOf([broken, changeMaster({ workers: [] })])).toEqual([]);
});
