import { expect, test } from 'vitest';
import check from '../../../checks/proxy/local-route-for-clients.js';
import { client } from '../../kit/article.js';
import { addRoute, dropRoute } from '../../kit/change.js';
import { findingsOf, statusesOf } from '../../kit/run-check.js';

const instead = (route: Parameters<typeof addRoute>[1]) => [
  dropRoute('proxy', '0.0.0.0/0', '100'),
  addRoute('proxy', { table: '100', nextHops: [{ link: 'lo' }], ...route }),
];

test('an empty table fails for its family alone', () => {
  const statuses = statusesOf(check, 'proxy', dropRoute('proxy', '0.0.0.0/0', '100'));
  expect(statuses).toEqual({ 'http:80/#web': 'fail', 'http:80/#web6': 'pass', 'udp:5300': 'fail' });
});

test('a route over lo that is not of type local fails', () => {
  expect(statusesOf(check, 'proxy', instead({ to: '0.0.0.0/0', type: 'unicast' }))['udp:5300']).toBe('fail');
});

test('a local route that leaves the client out fails', () => {
  expect(statusesOf(check, 'proxy', instead({ to: '10.0.0.0/8', type: 'local' }))['udp:5300']).toBe('fail');
});

test('the clients that are left out are named', () => {
  const finding = findingsOf(check, 'proxy', instead({ to: '10.0.0.0/8', type: 'local' })).find(({ service }) => service === 'udp:5300');
  expect(finding?.message).toContain(client);
  expect(finding?.message).toContain('table 100');
});

test('a local route to the clients alone is fine', () => {
  expect(statusesOf(check, 'proxy', instead({ to: '192.168.99.0/24', type: 'local' }))['udp:5300']).toBe('pass');
});
