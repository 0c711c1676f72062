import { expect, test } from 'vitest';
import check from '../../../checks/nginx/upstream-names-resolve.js';
import { changeFact, editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const named = editConfig('server 172.16.0.11:80;', 'server app1.example:80;');

test('a name that /etc/hosts does not have is unknown, and the other services pass', () => {
  expect(statusesOf(check, 'proxy', named)).toMatchObject({ 'http:80/#web': 'unknown', 'udp:53': 'pass' });
});

test('a name in /etc/hosts is fine', () => {
  const hosts = changeFact('proxy', 'hostNames', () => ({ 'app1.example': ['172.16.0.11'] }));
  expect(statusesOf(check, 'proxy', [hosts, named])['http:80/#web']).toBe('pass');
});

test('an upstream that is chosen per request is unknown', () => {
  const statuses = statusesOf(check, 'proxy', editConfig('http://web;', 'http://$arg_to;'));
  expect(Object.values(statuses)).toContain('unknown');
});
