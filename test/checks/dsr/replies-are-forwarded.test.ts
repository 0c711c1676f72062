import { expect, test } from 'vitest';
import check from '../../../checks/dsr/replies-are-forwarded.js';
import { addHost, addRoute, dropRoute, editConfig, loseFact, removeHost, setForwarding, setIptables } from '../../kit/change.js';
import { makeHost } from '../../kit/host.js';
import { statusesOf } from '../../kit/run-check.js';

test('without forwarding the replies of DSR fail', () => {
  expect(statusesOf(check, 'proxy', setForwarding('proxy', 0))).toEqual({ 'udp:53': 'fail' });
});

test('a mark meant for others that leads them into this host fails', () => {
  const change = setIptables('proxy', 'mangle', ['-A PREROUTING -s 172.16.0.0/28 -j MARK --set-xmark 0x1/0xffffffff']);
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'udp:53': 'fail' });
});

test('a mark that no policy rule takes up is harmless', () => {
  const change = setIptables('proxy', 'mangle', ['-A PREROUTING -s 172.16.0.0/28 -j MARK --set-xmark 0x2/0xffffffff']);
  expect(statusesOf(check, 'proxy', change)).toEqual({ 'udp:53': 'pass' });
});

test('unknown on a router whose routes could not be read', () => {
  const change = [
    addHost(makeHost({ name: 'gw', links: { eth0: ['192.168.99.2/24'], eth1: ['172.16.0.2/28'] } })),
    loseFact('gw', 'routes'),
    dropRoute('dev1', '0.0.0.0/0'),
    addRoute('dev1', { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: '172.16.0.2' }] }),
  ];
  expect(statusesOf(check, 'gw', change)).toEqual({ 'udp:53': 'unknown' });
});

test('without a known client an address beside nginx stands in, and its replies are forwarded', () => {
  expect(statusesOf(check, 'proxy', removeHost('client'))).toEqual({ 'udp:53': 'pass' });
});

test('method 1 needs no forwarding', () => {
  expect(
    statusesOf(check, 'proxy', [
      setForwarding('proxy', 0),
      editConfig(
        '$remote_addr:$remote_port transparent;\n        proxy_responses 0',
        '$remote_addr transparent;\n        proxy_responses 1',
      ),
    ]),
  ).toEqual({});
});
