import { expect, test } from 'vitest';
import check from '../../../checks/nginx/bind-port.js';
import { editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('DSR without $remote_port fails when replies are expected', () => {
  expect(statusesOf(check, 'proxy', editConfig('$remote_addr:$remote_port', '$remote_addr'))['udp:53']).toBe('fail');
});

test('DSR with a literal port fails', () => {
  expect(statusesOf(check, 'proxy', editConfig('$remote_addr:$remote_port', '$remote_addr:53'))['udp:53']).toBe('fail');
});

test('a UDP service that nobody answers needs no port', () => {
  const change = [editConfig('$remote_addr:$remote_port', '$remote_addr'), editConfig('listen 53 udp', 'listen 514 udp')];
  expect(statusesOf(check, 'proxy', change)['udp:514']).toBe('pass');
});

test('$remote_port over TCP is a warning, over UDP it is fine', () => {
  const statuses = statusesOf(check, 'proxy', editConfig('$remote_addr transparent', '$remote_addr:$remote_port transparent'));
  expect(statuses).toMatchObject({ 'http:80/#web': 'warn', 'udp:5300': 'pass' });
});

test('a port that is decided per request is unknown', () => {
  expect(statusesOf(check, 'proxy', editConfig('$remote_addr:$remote_port', '$remote_addr:$arg_port'))['udp:53']).toBe('unknown');
});
