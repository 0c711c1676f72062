import { expect, test } from 'vitest';
import { editConfig } from '../../kit/change.js';
import { causesOf, commands, edits, examineArticle, leftAfterCures } from '../../kit/rules.js';

const cause = 'upstream/client-is-the-upstream';

test('an upstream that asks by way of nginx is excepted from the bind, and its peers are not blamed', () => {
  const options = { clients: ['172.16.0.11'] };
  const report = examineArticle([], options);
  expect(causesOf(report)).toEqual([`${cause} proxy`]);
  const found = report.diagnoses.find((one) => one.cause === cause);
  expect(found).toMatchObject({ severity: 'fault', services: ['http:80/#web', 'udp:5300'] });
  expect(edits(found?.fix ?? [])).toContainEqual(
    expect.stringContaining('null →     map $remote_addr $client_to_bind { default $remote_addr; 172.16.0.11 ""; }'),
  );
  expect(commands(found?.fix ?? [])).toEqual([expect.stringContaining('-s reload')]);
  expect(leftAfterCures([], options)).toEqual([]);
});

test('a client elsewhere is nobody of the upstreams', () => {
  expect(causesOf(examineArticle([], { clients: ['192.168.99.50', '192.168.99.51'] }))).toEqual([]);
});

test('one that is excepted already is fine', () => {
  const change = [
    editConfig('proxy_bind $remote_addr transparent;', 'proxy_bind $source transparent;'),
    editConfig('http {\n', 'http {\n    map $remote_addr $source { default $remote_addr; 172.16.0.11 ""; }\n'),
    editConfig('stream {\n', 'stream {\n    map $remote_addr $source { default $remote_addr; 172.16.0.11 ""; }\n'),
  ];
  expect(causesOf(examineArticle(change, { clients: ['172.16.0.11'] }))).toEqual([]);
  // All others are asked for transparently as before.
  expect(examineArticle(change, { clients: ['192.168.99.50'] }).services.map(({ mode }) => mode)).toContain('transparent');
});
