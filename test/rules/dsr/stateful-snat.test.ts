import { expect, test } from 'vitest';
import { addressOf, type Change, rewriteFilter, upstreams, vip } from '../../kit/article.js';
import { addHost, addRoute, changeFact, dropRoute, editConfig, setIptables, setSysctl } from '../../kit/change.js';
import { makeHost } from '../../kit/host.js';
import { causesOf, commands, examineArticle, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const unwritten = changeFact('proxy', 'trafficControl', () => ({ qdiscs: [], filters: [] }));
const snat = setIptables('proxy', 'nat', [`-A POSTROUTING -s 172.16.0.0/28 -o eth0 -p udp -m udp --sport 53 -j SNAT --to-source ${vip}`]);
const outbound = setIptables('proxy', 'nat', ['-A POSTROUTING -s 172.16.0.0/28 -o eth0 -j MASQUERADE']);

test('connection tracking never asks a nat rule for the replies', () => {
  const found = soleDiagnosis([unwritten, snat]);
  expect(found).toMatchObject({ cause: 'dsr/stateful-snat', host: 'proxy', severity: 'fault', services: ['udp:53'] });
  expect(leftAfterCures([unwritten, snat])).toEqual([]);
});

test("masquerading of the upstreams' own traffic was not meant for replies", () => {
  expect(causesOf(examineArticle([unwritten, outbound]))).toEqual(['dsr/reply-not-rewritten proxy']);
});

test('beside a stateless rewrite it does no harm', () => {
  expectHealthy(snat);
});

/** A router of its own, by which the upstreams answer the clients. */
const router: readonly Change[] = [
  addHost(makeHost({ name: 'gw', links: { eth0: ['192.168.99.2/24'], eth1: ['172.16.0.2/28'] } })),
  setSysctl('gw', 'net/ipv4/ip_forward', 1),
  setSysctl('gw', 'net/ipv4/conf/eth1/forwarding', 1),
  ...upstreams.flatMap((name) => [
    dropRoute(name, '0.0.0.0/0'),
    addRoute(name, { to: '0.0.0.0/0', nextHops: [{ link: 'eth0', via: '172.16.0.2' }] }),
  ]),
];
const onRouter = setIptables('gw', 'nat', [`-A POSTROUTING -s 172.16.0.0/28 -o eth0 -p udp -m udp --sport 53 -j SNAT --to-source ${vip}`]);
const dsrAlone = editConfig('proxy_bind $remote_addr transparent;', '');

test('on a router that sees nothing but replies it works and keeps state', () => {
  const change = [unwritten, ...router, onRouter, dsrAlone];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'dsr/stateful-snat', host: 'gw', severity: 'risk', services: ['udp:53'] });
  expect(commands(found.fix)[0]).toMatch(/^iptables-nft -t nat -D POSTROUTING /);
  expect(commands(found.fix).join(' ')).toContain('notrack');
  expect(leftAfterCures(change)).toEqual([]);
});

test('a masquerade there for what the upstreams ask outside is none, beside a rewrite without state', () => {
  const stateless = changeFact('gw', 'trafficControl', () => ({
    qdiscs: [{ link: 'eth0', kind: 'htb', handle: '10:' }],
    filters: upstreams.map((name) => rewriteFilter(addressOf(name))),
  }));
  const masquerade = setIptables('gw', 'nat', ['-A POSTROUTING -s 172.16.0.0/28 -o eth0 -p tcp -j MASQUERADE']);
  expectHealthy([unwritten, ...router, stateless, masquerade, dsrAlone]);
});
