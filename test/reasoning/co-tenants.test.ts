import { expect, test } from 'vitest';
import { changesForOthers } from '../../src/reasoning/co-tenants.js';
import type { Snapshot } from '../../src/types.js';
import { articleSnapshots, type Change } from '../kit/article.js';
import { changeFact, setForwarding, setSysctl } from '../kit/change.js';
import { soleDiagnosis } from '../kit/rules.js';

/** What is told of a change of one sysctl on nginx's host, which was something else before. */
function told(key: string, was: number, is: number, ...changes: Change[]): string[] {
  const at = (value: number) => articleSnapshots([...changes, setSysctl('proxy', key, value)]).get('proxy') as Snapshot;
  return changesForOthers(at(was), at(is));
}

test('forwarding that nothing limits is open to everyone', () => {
  expect(told('net/ipv4/ip_forward', 0, 1)).toEqual([
    'proxy then forwards IPv4 for everyone who sends through it: no rule of its firewall limits that between eth0 and eth1',
  ]);
});

test('forwarding that a policy limits is not', () => {
  const drops = changeFact('proxy', 'nft', () => [
    {
      source: 'nft' as const,
      family: 'inet' as const,
      name: 'filter',
      sets: {},
      chains: [
        { name: 'forward', base: { hook: 'forward' as const, priority: 0, type: 'filter' as const }, policy: 'drop' as const, rules: [] },
      ],
    },
  ]);
  expect(told('net/ipv4/ip_forward', 0, 1, drops)).toEqual([]);
});

test.each([
  ['net/ipv4/conf/eth1/rp_filter', 1, 2, 'eth1 of proxy then lets in sources that do not belong there, for every service of the host'],
  ['net/ipv4/conf/eth1/accept_local', 0, 1, "eth1 of proxy then takes packets that bear the host's own addresses as source"],
  ['net/ipv4/ip_unprivileged_port_start', 1024, 0, "any process of proxy may then listen on ports that were root's"],
] as const)('%s from %i to %i', (key, was, is, text) => {
  expect(told(key, was, is)).toEqual([text]);
});

test.each([
  ['net/ipv4/ip_forward', 1, 0],
  ['net/ipv4/ip_forward', 1, 1],
  ['net/ipv4/conf/eth1/rp_filter', 0, 1],
  ['net/ipv4/ip_unprivileged_port_start', 0, 1024],
  ['net/ipv4/conf/all/src_valid_mark', 1, 0],
] as const)('nothing is told where %s goes from %i to %i', (key, was, is) => {
  expect(told(key, was, is)).toEqual([]);
});

const looser = (links: string) => [`${links} of proxy then lets in sources that do not belong there, for every service of the host`];
const rpFilter = (link: string, value: number) => setSysctl('proxy', `net/ipv4/conf/${link}/rp_filter`, value);

test('a link is looser than before when what is in force there is, the larger of its own number and that of all', () => {
  const own = [rpFilter('eth0', 0), rpFilter('eth1', 0)];
  expect(told('net/ipv4/conf/all/rp_filter', 1, 0, ...own)).toEqual(looser('eth0 and eth1'));
  expect(told('net/ipv4/conf/eth1/rp_filter', 0, 2, rpFilter('all', 1))).toEqual(looser('eth1'));
});

test('a link that stays as strict as it was is not named, whatever number changes', () => {
  expect(told('net/ipv4/conf/all/rp_filter', 1, 0, rpFilter('eth0', 1), rpFilter('eth1', 1))).toEqual([]);
  expect(told('net/ipv4/conf/eth1/rp_filter', 1, 0, rpFilter('all', 1))).toEqual([]);
});

test('a tunnel is named that may count on src_valid_mark', () => {
  const tunnel = changeFact('proxy', 'links', (links) => [
    ...links,
    { name: 'wg0', index: 9, up: true, state: 'UNKNOWN', mtu: 1420, kind: 'wireguard' },
  ]);
  expect(told('net/ipv4/conf/all/src_valid_mark', 1, 0, tunnel)).toEqual([
    'wg0 of proxy may count on src_valid_mark, and wg-quick sets it again when it starts',
  ]);
});

test('a diagnosis whose cure opens a host says so among its steps', () => {
  expect(soleDiagnosis(setForwarding('proxy', 0)).steps.at(-1)).toMatch(
    /^the cure also changes this: proxy then forwards IPv4 for everyone/,
  );
});
