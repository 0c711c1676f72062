import { describe, expect, it } from 'vitest';
import { tellWalk, withoutWalk } from '../../src/engine/tell-walk.js';
import type { ToldWalk } from '../../src/types.js';
import { articleCase, type Change, client, vip } from '../kit/article.js';
import { articleFaults } from '../kit/cases.js';
import { dropMarkRules, editConfig, setForwarding, setSysctl } from '../kit/change.js';

function told(port: number, change: Change | readonly Change[] = []): ToldWalk {
  const { snapshots, walks } = articleCase({ clients: [client], to: { address: vip, port }, change });
  const [walk] = walks;
  if (!walk) throw new Error(`no walk to port ${port}`);
  return tellWalk(snapshots, walk);
}

const grounds = (walk: ToldWalk): string[] =>
  walk.hops.flatMap(({ host, steps }) => steps.flatMap(({ by }) => by.map(({ what, source }) => `${host}: ${source}: ${what}`)));

describe('a walk', () => {
  it('is told host by host, nginx twice, with the upstream by name', () => {
    const walk = told(80);
    expect(walk.hops.map(({ host }) => host)).toEqual(['client', 'proxy', 'dev1', 'proxy']);
    expect(walk.hops.map((hop) => hop.in)).toEqual([undefined, 'eth0', 'eth0', 'eth1']);
    expect(walk).toMatchObject({ service: 'http:80/#web', upstream: '172.16.0.11:80', upstreamHost: 'dev1', end: 'whole' });
  });

  it('names the lines that decided: listen, proxy_bind, firewall rule, policy rule, route', () => {
    const lines = grounds(told(80));
    expect(lines).toContainEqual(expect.stringMatching(/^proxy: \/etc\/nginx\/nginx.conf:\d+: listen/));
    expect(lines).toContainEqual(expect.stringMatching(/^proxy: \/etc\/nginx\/nginx.conf:\d+: proxy_bind \$remote_addr transparent$/));
    expect(lines).toContainEqual(expect.stringMatching(/^proxy: .*PREROUTING.*--sport 80 -j MARK/));
    expect(lines).toContainEqual(expect.stringMatching(/^proxy: ip rule show: \d+: from all fwmark 0x1 lookup 100$/));
    expect(lines).toContain('proxy: ip route show table 100: local 0.0.0.0/0 dev lo');
    expect(lines).toContain('dev1: ip route show table main: 0.0.0.0/0 via 172.16.0.1 dev eth0');
  });

  it('says nothing of policy rules that every host has', () => {
    expect(grounds(told(80, dropMarkRules('proxy'))).filter((line) => line.includes('ip rule'))).toEqual([]);
  });

  it('names the sysctl where forwarding is off', () => {
    const walk = told(53, setForwarding('proxy', 0));
    expect(walk.end).toBe('broken');
    expect(grounds(walk)).toContain('proxy: /proc/sys/net/ipv4/ip_forward: 0');
  });

  it('names the sysctls where the source is refused, and none where it is not', () => {
    const marked = setSysctl('proxy', 'net/ipv4/conf/all/src_valid_mark', 1);
    expect(grounds(told(80, marked))).toContain('proxy: /proc/sys/net/ipv4/conf/all/src_valid_mark: 1');
    expect(grounds(told(80)).filter((line) => line.includes('/proc/sys'))).toEqual([]);
  });
});

describe('every walk of every broken setup', () => {
  it.each(Object.entries(articleFaults))('keeps its steps in order: %s', (_, change) => {
    const { snapshots, walks } = articleCase({ change });
    expect(walks.length).toBeGreaterThan(0);
    for (const walk of walks) {
      const { hops, end } = tellWalk(snapshots, walk);
      const steps = hops.flatMap(({ host, steps: own }) => own.map(({ did, by }) => ({ host, did, least: by.length })));
      expect(end).toBe(walk.end);
      expect(steps.map(({ host, did }) => ({ host, did }))).toEqual(walk.steps.map(({ host, did }) => ({ host, did })));
      for (const [i, { least }] of steps.entries()) expect(least).toBeGreaterThanOrEqual(walk.steps[i]?.by.length ?? 0);
    }
  });
});

describe('what has no walk', () => {
  const without = (change: Change) =>
    withoutWalk(articleCase({ clients: [client], to: { address: vip, port: 80 }, change })).map(({ what, open }) => ({ what, open }));

  it('is an upstream whose name nobody can resolve, and that leaves the question open', () => {
    expect(without(editConfig('server 172.16.0.11:80;', 'server app.example:80;'))).toEqual([
      { what: 'proxy: http:80/#web: upstream app.example:80', open: true },
    ]);
  });

  it('is an upstream that is marked down, which nobody expects to answer', () => {
    expect(without(editConfig('server 172.16.0.11:80;', 'server 172.16.0.11:80 down;'))).toEqual([
      { what: 'proxy: http:80/#web: upstream 172.16.0.11:80', open: false },
    ]);
  });

  it('is a service that does not take the address of its clients', () => {
    const plain = editConfig('proxy_bind $remote_addr transparent;\n            proxy_pass http://web;', 'proxy_pass http://web;');
    expect(without(plain)).toEqual([{ what: 'proxy: http:80/#web', open: true }]);
  });

  it('is nothing in a healthy setup', () => {
    expect(without(() => undefined)).toEqual([]);
  });
});
