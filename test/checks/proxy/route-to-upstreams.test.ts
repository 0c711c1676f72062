import { expect, test } from 'vitest';
import check from '../../../checks/proxy/route-to-upstreams.js';
import { addPolicyRule, addRoute, editConfig } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

test('no route fails', () => {
  const change = editConfig('172.16.0.11:80', '10.77.0.1:80');
  expect(statusesOf(check, 'proxy', change)).toMatchObject({ 'http:80/#web': 'fail', 'udp:53': 'pass' });
});

test('a route by a gateway is fine', () => {
  const change = [
    editConfig('172.16.0.11:80', '10.77.0.1:80'),
    addRoute('proxy', { to: '10.77.0.0/24', nextHops: [{ link: 'eth1', via: '172.16.0.9' }] }),
  ];
  expect(statusesOf(check, 'proxy', change)['http:80/#web']).toBe('pass');
});

const onThisHost = editConfig('172.16.0.11:80', '172.16.0.1:80');

test('an upstream on this host whose replies leave it fails', () => {
  expect(statusesOf(check, 'proxy', onThisHost)['http:80/#web']).toBe('fail');
});

test('with a rule that keeps its replies here it is fine', () => {
  const kept = addPolicyRule('proxy', { priority: 50, from: '172.16.0.1', iif: 'lo', ipProtocol: 6, sourcePort: [80, 80], table: '100' });
  expect(statusesOf(check, 'proxy', [onThisHost, kept])['http:80/#web']).toBe('pass');
});
