import { expect, test } from 'vitest';
import { addAddress, addRoute, changeFact, dropRoute, setSysctl } from '../../kit/change.js';
import { defaultRoute } from '../../kit/host.js';
import { commands, expectHealthy, leftAfterCures, soleDiagnosis } from '../../kit/rules.js';

const addLink = (host: string, name: string) =>
  changeFact(host, 'links', (links) => [
    ...links,
    { name, index: 4, up: true, state: 'UP', mtu: 1500, mac: `02:00:88:00:00:0${host.length}` },
  ]);

/** dev2 answers over a second segment that it shares with nginx's host, which is loose there. */
const secondSegment = [
  addLink('proxy', 'eth2'),
  addAddress('proxy', 'eth2', '172.16.1.1/24'),
  setSysctl('proxy', 'net/ipv4/conf/eth2/rp_filter', 2),
  setSysctl('proxy', 'net/ipv4/conf/eth2/forwarding', 1),
  addLink('dev2', 'eth1'),
  addAddress('dev2', 'eth1', '172.16.1.12/24'),
  dropRoute('dev2', '0.0.0.0/0'),
  addRoute('dev2', defaultRoute('172.16.1.1', 'eth1')),
];
const filter = (value: number, link = 'eth0', host = 'dev2') => setSysctl(host, `net/ipv4/conf/${link}/rp_filter`, value);

test.each(['eth0', 'all'])('strict rp_filter of %s drops what comes in where the way back does not lead', (link) => {
  const change = [...secondSegment, filter(0), filter(1, link)];
  const found = soleDiagnosis(change);
  expect(found).toMatchObject({ cause: 'upstream/rp-filter-drops-request', host: 'dev2', severity: 'fault' });
  expect(found.services).toEqual(['http:80/#web', 'udp:53', 'udp:5300']);
  expect(commands(found.fix)).toEqual(['sysctl -w net.ipv4.conf.eth0.rp_filter=2']);
  expect(leftAfterCures(change)).toEqual([]);
});

test.each([0, 2])('rp_filter %d lets it in', (value) => {
  expectHealthy([...secondSegment, filter(value)]);
});

test('the larger of all and the link counts: loose for all makes strict on the link loose', () => {
  expectHealthy([...secondSegment, filter(1), filter(2, 'all')]);
});

test('strict everywhere is fine where the way back is right', () => {
  const hosts = ['client', 'proxy', 'dev1', 'dev2', 'dev3', 'dev4'];
  expectHealthy(hosts.flatMap((host) => [filter(1, 'all', host), filter(1, 'eth0', host)]));
});
