import { expect, test } from 'vitest';
import check from '../../../checks/dsr/ports-are-equal.js';
import type { FirewallRule } from '../../../src/types.js';
import { vip } from '../../kit/article.js';
import { changeFact, editConfig, setForwarding } from '../../kit/change.js';
import { statusesOf } from '../../kit/run-check.js';

const otherPort = [
  editConfig(':53;', ':5353;'),
  ...(['dev1', 'dev2', 'dev3', 'dev4'] as const).map((host) =>
    changeFact(host, 'sockets', (sockets) => sockets.map((socket) => (socket.localPort === 53 ? { ...socket, localPort: 5353 } : socket))),
  ),
];
const matching = changeFact('proxy', 'trafficControl', (control) => ({
  ...control,
  filters: control.filters.map((filter) => ({ ...filter, match: { ...filter.match, sourcePort: { value: 5353, mask: 0xffff } } })),
}));

test('another port than the one that clients ask fails with tc', () => {
  expect(statusesOf(check, 'proxy', [...otherPort, matching])).toEqual({ 'udp:53': 'fail' });
});

test('it is a warning while replies are lost for another reason', () => {
  expect(statusesOf(check, 'proxy', [...otherPort, setForwarding('proxy', 0)])).toEqual({ 'udp:53': 'warn' });
});

test('a rewrite of address and port makes it fine', () => {
  const rewrites = ['dev1', 'dev2', 'dev3', 'dev4'].map((name) => ({
    text: `ip saddr ${name} ip saddr set ${vip} udp sport set 53`,
    steps: [
      { match: 'address', side: 'source', not: false, among: [[`172.16.0.1${name.slice(3)}`, `172.16.0.1${name.slice(3)}`]] },
      { do: 'rewrite', field: 'source-address', to: vip },
      { do: 'rewrite', field: 'source-port', to: '53' },
    ],
  })) satisfies FirewallRule[];
  const table = changeFact('proxy', 'nft', () => [
    {
      source: 'nft',
      family: 'ip',
      name: 'dsr',
      sets: {},
      chains: [{ name: 'rewrite', base: { hook: 'postrouting', priority: 100, type: 'filter' }, policy: 'accept', rules: rewrites }],
    },
  ]);
  expect(statusesOf(check, 'proxy', [...otherPort, table])).toEqual({ 'udp:53': 'pass' });
});
