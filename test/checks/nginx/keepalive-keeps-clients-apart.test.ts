import { expect, test } from 'vitest';
import check from '../../../checks/nginx/keepalive-keeps-clients-apart.js';
import { changeFact, changeMaster, editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const keepalive = editConfig('upstream web {', 'upstream web { keepalive 8;');
const http11 = editConfig('proxy_pass http://web;', 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://web;');

test('keepalive with HTTP/1.1 and an empty Connection header fails', () => {
  expect(statusesOf(check, 'proxy', [keepalive, http11])).toEqual({ 'http:80/#web': 'fail', 'http:80/#web6': 'pass' });
});

test('keepalive with HTTP/1.0 keeps nothing before 1.29.7', () => {
  expect(statusesOf(check, 'proxy', keepalive)['http:80/#web']).toBe('pass');
});

test('from 1.29.7 on an upstream block is enough, and keepalive 0 undoes it', () => {
  const newer = changeMaster({ version: '1.29.7' });
  expect(statusesOf(check, 'proxy', newer)['http:80/#web']).toBe('fail');
  expect(statusesOf(check, 'proxy', [newer, editConfig('upstream web {', 'upstream web { keepalive 0;')])['http:80/#web']).toBe('pass');
});

test('a literal address is not cached', () => {
  const change = [changeMaster({ version: '1.29.7' }), editConfig('http://web;', 'http://172.16.0.11;')];
  expect(statusesOf(check, 'proxy', change)['http:80/#172.16.0.11'] ?? statusesOf(check, 'proxy', change)['http:80/']).not.toBe('fail');
});

test('unknown where the version could not be read and would matter', () => {
  const unversioned = changeFact('proxy', 'nginx', (nginx) => ({
    ...nginx,
    masters: nginx.masters.map(({ version: _, ...master }) => master),
  }));
  expect(statusesOf(check, 'proxy', unversioned)['http:80/#web']).toBe('unknown');
});
