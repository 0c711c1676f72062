import { describe, expect, it } from 'vitest';
import { decideRoute, validateSource } from '../../src/path/routing.js';
import { routingState } from '../../src/path/world.js';
import type { RouteQuestion } from '../../src/types.js';
import { articleCase, articleSnapshots, type Change, client, vip } from '../kit/article.js';
import { addRoute, changeFact, setForwarding, setSysctl } from '../kit/change.js';

// What the kernel itself says to random questions is in routing-kernel.test.ts; here is what a reader wants to know of this setup.

function stateOf(host: string, change: Change | readonly Change[] = []) {
  const state = routingState(articleSnapshots(change).get(host));
  if (!state) throw new Error('no state');
  return state;
}

const decide = (question: RouteQuestion, change: Change | readonly Change[] = [], host = 'proxy') =>
  decideRoute(stateOf(host, change), question).answer;
const reply = { to: client, from: '172.16.0.11', iif: 'eth1' };
const strict = setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 1);

describe('a reply that comes in at nginx’s host', () => {
  it('is taken in when it is marked and forwarded when it is not', () => {
    expect(decide({ ...reply, mark: 1 })).toEqual({ type: 'local', table: '100' });
    expect(decide(reply)).toMatchObject({ type: 'unicast', link: 'eth0', table: 'main' });
  });

  it('has no route where forwarding is off, whatever its source', () => {
    expect(decide(reply, setForwarding('proxy', 0))).toMatchObject({ error: 'no-route', text: 'No route to host' });
    expect(decide({ ...reply, from: vip }, setForwarding('proxy', 0))).toMatchObject({ error: 'no-route' });
    expect(decide({ ...reply, mark: 1 }, setForwarding('proxy', 0))).toMatchObject({ type: 'local' });
  });

  it('is a martian when the host owns its source, unless that is accepted', () => {
    expect(decide({ ...reply, mark: 1, from: vip })).toMatchObject({ error: 'invalid-source' });
    expect(
      decide({ ...reply, mark: 1, from: vip }, [
        setSysctl('proxy', 'net/ipv4/conf/eth1/accept_local', 1),
        setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0),
      ]),
    ).toMatchObject({ type: 'local' });
  });
});

describe('source validation', () => {
  const verdict = (from: string, change: Change | readonly Change[] = [], mark = 0) =>
    validateSource(stateOf('proxy', change), { family: 4, to: client, from, iif: 'eth1', mark });

  it('strict wants the way back on the same link, loose any way', () => {
    expect(verdict('172.16.0.11', strict)).toEqual({ valid: true });
    expect(verdict('192.168.99.77', strict)).toMatchObject({ valid: false, reason: 'strict' });
    expect(verdict('192.168.99.77', setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 2))).toEqual({ valid: true });
    expect(verdict('198.51.100.1', setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 2))).toMatchObject({ valid: false, reason: 'loose' });
    expect(verdict('198.51.100.1', setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0))).toEqual({ valid: true });
  });

  it('looks the way back up with the mark only under src_valid_mark', () => {
    expect(verdict('172.16.0.11', strict, 1)).toEqual({ valid: true });
    expect(verdict('172.16.0.11', setSysctl('proxy', 'net/ipv4/conf/all/src_valid_mark', 1), 1)).toMatchObject({
      reason: 'marked-martian',
    });
  });

  it('without any rule of one’s own and without rp_filter only looks at the host’s addresses', () => {
    const bare = [
      setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0),
      changeFact('proxy', 'policyRules', (all) => all.filter(({ mark }) => mark === undefined)),
      changeFact('proxy', 'routes', (all) => all.filter(({ table }) => table !== '100')),
    ];
    expect(verdict('198.51.100.1', bare)).toEqual({ valid: true });
    expect(verdict(vip, bare)).toMatchObject({ reason: 'martian' });
  });

  it('is not for IPv6', () => {
    expect(decide({ to: 'fd00:99::50', from: 'fd00:99::10', iif: 'eth1' })).toMatchObject({ type: 'unicast', link: 'eth0' });
  });
});

it('a local route that somebody added has every source looked up, even one that holds an address of the host', () => {
  const bare = [
    changeFact('proxy', 'policyRules', (all) => all.filter(({ mark }) => mark === undefined)),
    changeFact('proxy', 'routes', (all) => all.filter(({ table }) => table !== '100')),
    setSysctl('proxy', 'net/ipv4/conf/eth1/rp_filter', 0),
  ];
  const wide = addRoute('proxy', { to: '172.16.0.0/16', type: 'local', table: 'local', nextHops: [{ link: 'eth1' }] });
  const lookedUp = { to: vip, from: '172.16.7.7', iif: 'eth1' };
  expect(decide(lookedUp, bare)).toMatchObject({ type: 'local' });
  expect(decide(lookedUp, [...bare, wide])).toMatchObject({ error: 'invalid-source' });
});

describe('several next hops', () => {
  const both = [
    { link: 'eth0', via: '172.16.0.1' },
    { link: 'eth0', via: '172.16.0.2', linkdown: true },
  ];
  const parted = addRoute('dev1', { to: '192.168.99.0/24', nextHops: both });

  it('have each an answer, and none is certain', () => {
    const { answer, possible } = decideRoute(stateOf('dev1', parted), { to: client });
    expect(answer).toBeUndefined();
    expect(possible).toMatchObject([{ via: '172.16.0.1' }, { via: '172.16.0.2' }]);
  });

  it('are one where the other has no carrier and such routes are ignored', () => {
    const ignored = setSysctl('dev1', 'net/ipv4/conf/eth0/ignore_routes_with_linkdown', 1);
    expect(decide({ to: client }, [parted, ignored], 'dev1')).toMatchObject({ type: 'unicast', via: '172.16.0.1' });
  });

  it('leave a reply unknown, with the ways it may go', () => {
    const walks = articleCase({ change: parted }).walks.filter(({ upstream }) => upstream.address === '172.16.0.11');
    expect(walks.map(({ end }) => end)).not.toContain('broken');
    const unknown = walks.flatMap(({ steps }) => steps).find(({ code }) => code === 'unknown');
    expect(unknown?.did).toContain('via 172.16.0.2');
  });
});

it.each(['127.0.0.1', '224.0.0.5', '255.255.255.255', '0.0.0.0'])('%s is no source for a packet from outside', (from) => {
  expect(decide({ ...reply, from, mark: 1 })).toMatchObject({ error: 'invalid-source' });
});

it('says what refuses', () => {
  const prohibited = changeFact('dev1', 'routes', (all) => [
    { family: 4, type: 'prohibit', to: '192.168.99.0/24', table: 'main', nextHops: [], metric: 0 },
    ...all,
  ]);
  expect(decide({ to: client }, prohibited, 'dev1')).toEqual({ type: 'error', error: 'refused', text: 'prohibit' });
});
