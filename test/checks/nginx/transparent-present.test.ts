import { expect, test } from 'vitest';
import check from '../../../checks/nginx/transparent-present.js';
import { editConfig } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

test('a bind to the client without the parameter fails', () => {
  const statuses = statusesOf(check, 'proxy', editConfig('$remote_addr:$remote_port transparent', '$remote_addr:$remote_port'));
  expect(statuses).toMatchObject({ 'udp:53': 'fail', 'udp:5300': 'pass', 'http:80/#web': 'pass' });
});

test('a bind to an own address needs no parameter', () => {
  expect(statusesOf(check, 'proxy', editConfig('$remote_addr transparent', '172.16.0.1'))).toEqual({ 'udp:53': 'pass' });
});

test('a bind whose value nobody can tell is unknown', () => {
  const statuses = statusesOf(check, 'proxy', editConfig('$remote_addr:$remote_port', '$arg_who'));
  expect(statuses['udp:53']).toBe('unknown');
});

test('the evidence is the line of the configuration', () => {
  const [finding] = findingsOf(check, 'proxy');
  expect(finding?.evidence?.[0]?.source).toMatch(/^\/etc\/nginx\/nginx\.conf:\d+$/);
});
